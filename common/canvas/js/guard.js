/** Asks whoever leaves a page with clicks that were not downloaded; returns what ends that. */

function guardLeaving(root, isUnsaved) {
  if (isGuest(root)) return () => {}; // a notebook's kernel keeps them
  const ask = (event) => { if (isUnsaved()) event.preventDefault(); };
  window.addEventListener("beforeunload", ask);
  return () => window.removeEventListener("beforeunload", ask);
}
