/** What the canvas consists of: its buttons, words and readouts. Nothing of it knows the kernel. */

const COLOURS = { positive: "#117733", negative: "#aa1e2d", cat: "#e69f00", dog: "#0072b2" }; // as in the figures

const line = (path) =>
  `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="none"
    stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
    ${path}</svg>`;
const SHAPES = { positive: '<circle cx="8" cy="8" r="7.5"', negative: '<rect x="1" y="1" width="14" height="14"' };
const mark = (kind, path) =>
  `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${SHAPES[kind]}
    fill="${COLOURS[kind]}"/><path d="${path}" stroke="#fff" stroke-width="2"/></svg>`;
const ICONS = {
  positive: mark("positive", "M4 8h8M8 4v8"),
  negative: mark("negative", "M4 8h8"),
  undo: line('<path d="M5.5 3 2.5 6l3 3M2.5 6H9a4 4 0 0 1 0 8H6"/>'),
  redo: line('<path d="m10.5 3 3 3-3 3M13.5 6H7a4 4 0 0 0 0 8h3"/>'),
  clear: line('<path d="m3.5 3.5 9 9m0-9-9 9"/>'),
  robot: line(`<rect x="2.5" y="5.5" width="11" height="8" rx="2"/>
    <path d="M8 5.5v-3M6 9v1.2M10 9v1.2M5.8 2.5h4.4"/>`),
  download: line('<path d="M8 2v8m-3-3 3 3 3-3M2.5 13.5h11"/>'),
  upload: line('<path d="M8 10.5v-8m-3 3 3-3 3 3M2.5 13.5h11"/>'),
  farther: line('<path d="M3.5 8h9"/>'),
  whole: "",
  nearer: line('<path d="M3.5 8h9M8 3.5v9"/>'),
};
const KEYS = [
  ["Click, tap, Enter", "part of the pet"],
  ["Right or Shift + click, Shift + Enter", "not the pet"],
  ["A click on what was found", "takes it as an animal"],
  ["Arrows, with Shift further", "move the crosshair"],
  ["U or Ctrl + Z, Y or Ctrl + Y, C", "undo, redo, clear"],
  ["Drag a mark, click on it", "move it, change its sign"],
  ["Wheel, two fingers, + and −", "zoom; 0 shows all of the photo"],
  ["Space or middle button + drag, a finger", "move the photo that is zoomed"],
];

/** An element with attributes; `text` and `html` fill it. */
function make(tag, { text, html, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  if (html !== undefined) element.innerHTML = html; // only ever of constants above
  element.append(...children);
  return element;
}

function button(name, text, hint) {
  const attributes = { type: "button", class: `cc-button cc-${name}`, title: hint };
  if (!text) attributes["aria-label"] = hint;
  return make("button", { ...attributes, html: ICONS[name] }, ...(text ? [make("span", { text })] : []));
}

/** A button that must not be used keeps its focus, which `disabled` would lose. */
function enable(element, on) {
  element.setAttribute("aria-disabled", String(!on));
}

function press(element, on) {
  element.setAttribute("aria-pressed", String(on));
}

/** All elements, by name. */
function build(root) {
  root.classList.add("click-canvas");
  root.setAttribute("data-jp-suppress-context-menu", "");
  const ui = {
    positive: button("positive", "Pet", "What a click or tap means: part of the pet"),
    negative: button("negative", "Not pet", "What a click or tap means: not the pet"),
    undo: button("undo", "Undo", "Undo (U)"),
    redo: button("redo", "Redo", "Redo (Y)"),
    clear: button("clear", "Clear", "Remove all clicks (C)"),
    robot: button("robot", "Robot click", "Let the robot click where the mask is most wrong"),
    download: button("download", "Download", "Download what is chosen beside it"),
    upload: button("upload", "Your photos", "Choose photos from your device, or a COCO file with them; drop or paste them"),
    model: make("select", { class: "cc-select", "aria-label": "Model" }),
    farther: button("farther", "", "Zoom out (−)"),
    whole: button("whole", "1×", "Show all of the photo (0)"),
    nearer: button("nearer", "", "Zoom in (+)"),
    canvas: make("canvas", { class: "cc-canvas", tabindex: "0", role: "application" }),
    text: make("span", { class: "cc-text", text: "Waiting for the kernel …" }),
    covered: make("span", { class: "cc-covered" }),
    readouts: make("span", { class: "cc-readouts" }),
    opacity: make("input", { type: "range", min: "0", max: "100", value: "50" }),
    fill: make("input", { type: "checkbox" }),
    edge: make("input", { type: "checkbox" }),
    found: make("input", { type: "checkbox" }),
    thumbs: make("div", { class: "cc-thumbs", role: "group", "aria-label": "Photos" }),
    file: make("input", { type: "file", accept: "image/*,.json", multiple: "", hidden: "" }),
    credit: make("p", { class: "cc-credit" }),
    limits: make("span"),
  };
  ui.fill.checked = ui.edge.checked = ui.found.checked = true;
  const group = (label, ...parts) =>
    make("div", { class: "cc-group", role: "group", "aria-label": label }, ...parts);
  const label = (text, input) => make("label", { class: "cc-label" }, text, input);
  ui.status = make("div", { class: "cc-status" }, make("div", { class: "cc-said", role: "status" },
    ui.text, ui.covered), ui.readouts); // figures that change with each click are not read out
  ui.stage = make("div", { class: "cc-stage" }, ui.canvas);
  const keys = make("dl", {}, ...KEYS.flatMap(([key, does]) =>
    [make("dt", { text: key }), make("dd", { text: does })]));
  root.replaceChildren(make("div", { class: "cc-layout" },
    make("div", { class: "cc-main" },
      make("div", { class: "cc-bar" },
        group("Meaning of a click", ui.positive, ui.negative),
        group("Clicks", ui.undo, ui.redo, ui.clear), ui.robot,
        make("span", { class: "cc-model" }, ui.model)),
      ui.stage, ui.status),
    make("div", { class: "cc-side" },
      make("div", { class: "cc-view" },
        label("Opacity", ui.opacity), label("Fill", ui.fill), label("Edge", ui.edge), label("Found", ui.found),
        group("Zoom", ui.farther, ui.whole, ui.nearer), ui.download),
      make("div", { class: "cc-gallery" }, ui.thumbs, ui.upload, ui.file, ui.credit),
      make("p", { class: "cc-note" }, ui.limits,
        " A photo of yours stays in the memory of the kernel and vanishes with it."),
      make("details", { class: "cc-keys" }, make("summary", { text: "Mouse and keys" }), keys))));
  ui.opacity.setAttribute("aria-label", "Opacity of the mask's fill");
  return ui;
}

const percent = (value) => `${Math.round(100 * value)} %`;

function readouts({ iou, species, ms }, screenMs) {
  const rows = [];
  if (iou !== null) rows.push(["IoU", iou.toFixed(3), "with the true mask"]);
  if (species) rows.push([species[0], percent(species[1]), "the model's opinion"]);
  if (ms !== null) rows.push(["model", `${Math.round(ms)} ms`, "time of the last click"]);
  if (screenMs) rows.push(["screen", `${Math.round(screenMs)} ms`, "from the click to the paint"]);
  return rows.map(([name, value, title]) =>
    make("span", { class: "cc-readout", title }, `${name} `, make("b", { text: value })));
}
