/** Buttons, menus and files. */

function listenToButtons(ui, { view, refresh }, { ask }, upload) {
  function on(element, does) {
    element.addEventListener("click", () => {
      if (element.getAttribute("aria-disabled") !== "true") does();
    });
  }

  for (const what of ["undo", "redo", "clear", "robot"]) {
    on(ui[what], () => ask({ do: what }));
  }
  on(ui.nearer, () => view.zoomBy(NEARER));
  on(ui.farther, () => view.zoomBy(1 / NEARER));
  on(ui.whole, () => view.whole());
  on(ui.upload, () => ui.file.click());
  ui.file.addEventListener("change", () => {
    upload(ui.file.files);
    ui.file.value = ""; // so that the same file can be chosen again
  });
  ui.model.addEventListener("change", () => ask({ do: "model", name: ui.model.value }));
  ui.opacity.addEventListener("input", () => refresh({ opacity: ui.opacity.value / 100 }));
  for (const part of ["fill", "edge"]) {
    ui[part].addEventListener("change", () => refresh({ [part]: ui[part].checked }));
  }
}
