/**
 * What leaves the tool: a file in one of several forms, a copy, or all photos in one file; and the
 * outlines that are refined for it, or when the user rests.
 */

const IDLE = 1200; // ms without a request until the outlines are refined
ICONS.copy = line('<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 5.5v-3h-8v8h3"/>');

function createLeaving({ ui, link, ask, say }) {
  const forms = make("select", { class: "cc-select", "aria-label": "Form of the file" });
  const copy = button("copy", "Copy", "Copy it to the clipboard");
  const progress = make("progress", { class: "cc-progress", hidden: "",
                                      "aria-label": "Photos that are finished" });
  let worked = [], timer = 0;
  ui.download.before(make("label", { class: "cc-label cc-forms" }, forms));
  ui.download.after(copy, progress);

  /** For a file of all photos each is finished in turn, so that one sees how far it is. */
  async function finishAll() {
    Object.assign(progress, { hidden: false, max: worked.length, value: 0 });
    for (const photo of worked) {
      await ask({ do: "refine", photo });
      progress.value += 1;
    }
    progress.hidden = true;
  }

  async function fetched() {
    const form = forms.value || "mask";
    if (["coco", "zip"].includes(form)) await finishAll();
    const { file } = await ask({ do: "download", form });
    return file;
  }

  async function blobOf() {
    const file = await fetched();
    if (!file) throw new Error(ui.text.textContent);
    return blobIn(file.url);
  }

  function copyIt() {
    const kind = { coco: "text/plain", labelme: "text/plain" }[forms.value] ?? "image/png";
    if (!navigator.clipboard?.write || forms.value === "zip") {
      return say("error", forms.value === "zip" ? "A ZIP file cannot be copied; download it."
        : "This browser lets no page copy; download the file.");
    }
    const content = blobOf().then((blob) => new Blob([blob], { type: kind }));
    return navigator.clipboard.write([new ClipboardItem({ [kind]: content })])
      .then(() => say("info", "Copied."))
      .catch((error) => say("error", `Not copied: ${error.message}`));
  }

  const when = (element, does) => element.addEventListener("click", () =>
    element.getAttribute("aria-disabled") === "true" || does());
  when(ui.download, async () => {
    const file = await fetched();
    if (file) save(file);
  });
  when(copy, copyIt);

  return {
    show(now, answered) {
      worked = now.worked ?? (now.mask ? [now.photo] : []);
      if (now.forms) {
        forms.replaceChildren(...Object.entries(now.forms).map(([value, text]) =>
          make("option", { value, text })));
      }
      enable(ui.download, worked.length);
      enable(copy, worked.length);
      clearTimeout(timer);
      const tried = answered?.request.do === "refine" || now.kind === "error";
      if (!now.can_refine || tried) return;
      timer = setTimeout(() => {
        if (!link.pending.length) ask({ do: "refine", photo: now.photo });
      }, IDLE);
    },
    stop: () => clearTimeout(timer),
  };
}

/** The file that a data: address holds. */
function blobIn(url) {
  const [head, text] = url.split(",");
  return new Blob([bytesOf(text)], { type: head.slice("data:".length).split(";")[0] });
}

function save({ name, url }) {
  const address = URL.createObjectURL(blobIn(url));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
