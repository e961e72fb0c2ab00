/**
 * The click canvas: draws a photo, its mask and the clicks, and passes on what the user does.
 *
 * Everything else happens in Python (session.py). Requests are numbered; a click is shown at
 * once and stays "pending" until the answer to it has come; of several answers only the newest
 * mask is drawn. Points are (x, y) in pixels of the native photo.
 */

const COLOURS = { positive: "#0072b2", negative: "#d55e00", mask: "#56b4e9" }; // Okabe and Ito
const PIECE = 3 * 2 ** 18; // bytes of an upload in one message; as in uploads.py
const MARK = 9, EDGE = 2.2; // CSS pixels: a click's radius, the edge's width
const TALLEST = 660; // CSS pixels of the photo
// ms until the bar runs, until no kernel seems to be there, and until it seems to be gone
const SLOW = 350, SILENT = 8000, LOST = 20000;

const line = (path) =>
  `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="none"
    stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
    ${path}</svg>`;
const mark = (kind, path) =>
  `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle cx="8" cy="8"
    r="7.5" fill="${COLOURS[kind]}"/><path d="${path}" stroke="#fff" stroke-width="2"/></svg>`;
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
};
const KEYS = [
  ["Click, tap, Enter", "part of the pet"],
  ["Right or Shift + click, Shift + Enter", "not the pet"],
  ["Arrows, with Shift further", "move the crosshair"],
  ["U, Y, C", "undo, redo, clear"],
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
  return make("button", { ...attributes, html: ICONS[name] }, make("span", { text }));
}

/** A button that must not be used keeps its focus, which `disabled` would lose. */
function enable(element, on) {
  element.setAttribute("aria-disabled", String(!on));
}

function press(element, on) {
  element.setAttribute("aria-pressed", String(on));
}

/** All elements, by name; nothing of it knows the kernel. */
function build(root) {
  root.classList.add("click-canvas");
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's keys are not ours
  root.setAttribute("data-jp-suppress-context-menu", "");
  const ui = {
    positive: button("positive", "Pet", "What a click or tap means: part of the pet"),
    negative: button("negative", "Not pet", "What a click or tap means: not the pet"),
    undo: button("undo", "Undo", "Undo (U)"),
    redo: button("redo", "Redo", "Redo (Y)"),
    clear: button("clear", "Clear", "Remove all clicks (C)"),
    robot: button("robot", "Robot click", "Let the robot click where the mask is most wrong"),
    download: button("download", "Download mask", "Download the mask as a PNG of the photo's size"),
    upload: button("upload", "Your photo", "Choose a photo from your device"),
    model: make("select", { class: "cc-select", "aria-label": "Model" }),
    canvas: make("canvas", { class: "cc-canvas", tabindex: "0", role: "application" }),
    text: make("span", { class: "cc-text", text: "Waiting for the kernel …" }),
    readouts: make("span", { class: "cc-readouts" }),
    opacity: make("input", { type: "range", min: "0", max: "100", value: "50" }),
    fill: make("input", { type: "checkbox" }),
    edge: make("input", { type: "checkbox" }),
    thumbs: make("div", { class: "cc-thumbs", role: "group", "aria-label": "Photos" }),
    file: make("input", { type: "file", accept: "image/jpeg,image/png,image/webp", hidden: "" }),
    credit: make("p", { class: "cc-credit" }),
    limits: make("span"),
  };
  ui.fill.checked = ui.edge.checked = true;
  const group = (label, ...parts) =>
    make("div", { class: "cc-group", role: "group", "aria-label": label }, ...parts);
  const label = (text, input) => make("label", { class: "cc-label" }, text, input);
  ui.status = make("div", { class: "cc-status", role: "status", "aria-live": "polite" },
    ui.text, ui.readouts);
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
        label("Opacity", ui.opacity), label("Fill", ui.fill), label("Edge", ui.edge), ui.download),
      make("div", { class: "cc-gallery" }, ui.thumbs, ui.upload, ui.file, ui.credit),
      make("p", { class: "cc-note" }, ui.limits,
        " A photo of yours stays in the memory of the kernel and vanishes with it."),
      make("details", { class: "cc-keys" }, make("summary", { text: "Mouse and keys" }), keys))));
  ui.opacity.setAttribute("aria-label", "Opacity of the mask's fill");
  return ui;
}

function loadImage(url) {
  const image = new Image();
  image.src = url;
  return image.decode().then(() => image);
}

function blank(width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  return canvas;
}

/** White-on-black picture -> canvas that is opaque where it was white. */
function toAlpha(image) {
  const canvas = blank(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at];
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** `shape` in one colour, swollen by `grow` pixels; what `grow` adds is all that stays. */
function tinted(shape, colour, grow = 0) {
  const canvas = blank(shape.width, shape.height);
  const context = canvas.getContext("2d");
  const steps = grow ? 16 : 1;
  for (let step = 0; step < steps; step++) {
    const angle = (2 * Math.PI * step) / steps;
    context.drawImage(shape, grow * Math.cos(angle), grow * Math.sin(angle));
  }
  if (grow) {
    context.globalCompositeOperation = "destination-out";
    context.drawImage(shape, 0, 0);
  }
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Draws whatever `look` says, soon after `refresh`. */
function createPainter(canvas) {
  const context = canvas.getContext("2d");
  const look = { photo: null, size: [4, 3], mask: null, clicks: [], cross: null,
                 opacity: 0.5, fill: true, edge: true };
  let layers = null, ratio = 1, frame = 0, waiting = [];

  function makeLayers() {
    const shape = blank(canvas.width, canvas.height);
    shape.getContext("2d").drawImage(look.mask, 0, 0, shape.width, shape.height);
    layers = { fill: tinted(shape, COLOURS.mask), halo: tinted(shape, "#10222e", EDGE * ratio),
               edge: tinted(shape, "#fff", 0.6 * EDGE * ratio) };
  }

  function stroke(path, width, colour) {
    Object.assign(context, { lineWidth: width, strokeStyle: colour });
    context.stroke(path);
  }

  const place = ({ x, y }) => [(Math.floor(x) + 0.5) * canvas.width / look.size[0],
                               (Math.floor(y) + 0.5) * canvas.height / look.size[1]];

  function drawClick(click) {
    const [x, y] = place(click), radius = MARK * ratio, arm = 0.5 * radius;
    const disk = new Path2D(), sign = new Path2D();
    disk.arc(x, y, radius, 0, 2 * Math.PI);
    sign.moveTo(x - arm, y);
    sign.lineTo(x + arm, y);
    if (click.positive) {
      sign.moveTo(x, y - arm);
      sign.lineTo(x, y + arm);
    }
    stroke(disk, 5 * ratio, "rgb(0 0 0 / 0.45)");
    stroke(disk, 3 * ratio, "#fff");
    context.fillStyle = COLOURS[click.positive ? "positive" : "negative"];
    context.fill(disk);
    stroke(sign, 2.2 * ratio, "#fff");
  }

  function drawCross() {
    const [x, y] = place(look.cross), gap = 6 * ratio, cross = new Path2D();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      cross.moveTo(x + dx * gap, y + dy * gap);
      cross.lineTo(x + dx * 9999, y + dy * 9999);
    }
    stroke(cross, 3 * ratio, "rgb(0 0 0 / 0.55)");
    stroke(cross, 1.2 * ratio, "#fff");
  }

  function draw() {
    frame = 0;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (look.photo) context.drawImage(look.photo, 0, 0, canvas.width, canvas.height);
    if (look.mask && !layers) makeLayers();
    if (look.mask && look.fill) {
      context.globalAlpha = look.opacity;
      context.drawImage(layers.fill, 0, 0);
      context.globalAlpha = 1;
    }
    if (look.mask && look.edge) {
      context.drawImage(layers.halo, 0, 0);
      context.drawImage(layers.edge, 0, 0);
    }
    look.clicks.forEach(drawClick);
    if (look.cross) drawCross();
    waiting.splice(0).forEach((resolve) => resolve());
  }

  function refresh(changes = {}) {
    if ("mask" in changes) layers = null;
    Object.assign(look, changes);
    frame ||= requestAnimationFrame(draw);
    return new Promise((resolve) => waiting.push(resolve));
  }

  /** The photo as large as fits; a side is never too thin to be clicked on. */
  function fit(room) {
    const [width, height] = look.size;
    const tallest = Math.min(TALLEST, 0.7 * screen.height);
    const scale = Math.min(room / width, tallest / height);
    const sides = [width, height].map((side) => Math.max(24, Math.round(side * scale)));
    ratio = Math.min(2, window.devicePixelRatio || 1);
    const pixels = sides.map((side) => Math.round(side * ratio));
    [canvas.style.width, canvas.style.height] = sides.map((side) => `${side}px`);
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) {
      [canvas.width, canvas.height] = pixels;
      layers = null;
    }
    refresh();
  }

  return { look, refresh, fit, stop: () => cancelAnimationFrame(frame) };
}

/** Numbered requests; `pending` are those without an answer yet. */
function createLink(model, onReply) {
  const view = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const link = { pending: [], ask };
  let seq = 0, version = 0;

  function ask(what) {
    return new Promise((resolve) => {
      const request = { ...what, seq: ++seq, view };
      link.pending.push({ request, resolve, since: performance.now() });
      model.send(request);
    });
  }

  model.on("msg:custom", (reply) => {
    if (!(reply.version > version)) return; // an older state than what is shown
    version = reply.version;
    let answered = [];
    if (reply.view === view) {
      answered = link.pending.filter((each) => each.request.seq <= reply.seq);
      link.pending = link.pending.filter((each) => each.request.seq > reply.seq);
    }
    onReply(reply, answered.at(-1));
    answered.forEach((each) => each.resolve(reply));
  });
  return link;
}

/** Colours follow JupyterLab's theme where there is one, else the browser's preference. */
function followTheme(root) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const probe = blank(1, 1).getContext("2d", { willReadFrequently: true });
  const apply = () => {
    const paper = getComputedStyle(document.body).getPropertyValue("--jp-layout-color1").trim();
    probe.fillStyle = paper || (dark.matches ? "#000" : "#fff");
    probe.fillRect(0, 0, 1, 1);
    const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
    root.dataset.theme = red + green + blue < 384 ? "dark" : "light";
  };
  const observer = new MutationObserver(apply);
  observer.observe(document.body, { attributes: true });
  dark.addEventListener("change", apply);
  apply();
  return () => {
    observer.disconnect();
    dark.removeEventListener("change", apply);
  };
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

async function save({ name, url }) {
  const bytes = Uint8Array.from(atob(url.split(",")[1]), (letter) => letter.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

function readouts({ iou, score, species, ms }, screenMs) {
  const percent = (value) => `${Math.round(100 * value)} %`;
  const rows = [];
  if (iou !== null) rows.push(["IoU", iou.toFixed(3), "with the true mask"]);
  if (score !== null) rows.push(["estimate", score.toFixed(2), "the model's own, of its mask"]);
  if (species) rows.push([species[0], percent(species[1]), "the model's opinion"]);
  if (ms !== null) rows.push(["model", `${Math.round(ms)} ms`, "time of the last click"]);
  if (screenMs) rows.push(["screen", `${Math.round(screenMs)} ms`, "from the click to the paint"]);
  return rows.map(([name, value, title]) =>
    make("span", { class: "cc-readout", title }, `${name} `, make("b", { text: value })));
}

function render({ model, el }) {
  const root = make("div");
  el.append(root);
  const ui = build(root);
  const painter = createPainter(ui.canvas);
  const { look, refresh } = painter;
  const link = createLink(model, onReply);
  let reply = null, limit = Infinity, negative = false, maskUrl = null, slow = 0, lost = 0;
  let photoTurn = 0, maskTurn = 0, touching = false;

  // What comes from Python

  function onReply(now, answered) {
    reply = now;
    if (now.show) showPhoto(now.show);
    if (now.photos) showThumbs(now.photos);
    if (now.models) {
      ui.model.replaceChildren(...now.models.map((name) => make("option", { text: name })));
      limit = now.limits.bytes;
      ui.limits.textContent = `${now.limits.text}.`;
    }
    if (now.file && answered) save(now.file);
    ui.model.value = now.model;
    for (const thumb of ui.thumbs.children) press(thumb, thumb.title === now.photo);
    say(now.kind, now.status);
    showClicks();
    showMask(now, answered);
  }

  async function showPhoto(photo) {
    const turn = ++photoTurn;
    ui.canvas.setAttribute("aria-label", `Photo: ${photo.name}. Arrows move a crosshair, ` +
      "Enter marks the pet, Shift and Enter what is not the pet.");
    ui.credit.textContent = photo.name + (photo.credit && `. Photo: ${photo.credit}`);
    const image = await loadImage(photo.url);
    if (turn !== photoTurn) return;
    Object.assign(look, { photo: image, size: [photo.width, photo.height], cross: null });
    painter.fit(ui.stage.clientWidth);
    root.dataset.photo = photo.name;
  }

  async function showMask(now, answered) {
    const turn = ++maskTurn;
    if (now.mask !== maskUrl) {
      const mask = now.mask && toAlpha(await loadImage(now.mask));
      if (turn !== maskTurn) return; // a newer one is on its way
      maskUrl = now.mask;
      refresh({ mask });
    }
    await refresh();
    const screenMs = answered?.request.do === "click" ? performance.now() - answered.since : 0;
    if (turn !== maskTurn) return;
    ui.readouts.replaceChildren(...readouts(now, screenMs));
    root.setAttribute("aria-busy", String(link.pending.length > 0));
  }

  function showThumbs(photos) {
    ui.thumbs.replaceChildren(...photos.map(({ name, url }) => {
      const picture = make("img", { src: url, alt: name, draggable: "false" });
      const thumb = make("button", { type: "button", class: "cc-thumb", title: name }, picture);
      thumb.addEventListener("click", () => change({ do: "photo", name }));
      return thumb;
    }));
  }

  function showClicks() {
    const sent = link.pending.map((each) => each.request).filter((each) => each.do === "click");
    const clicks = [...(reply?.clicks ?? []), ...sent];
    enable(ui.undo, reply?.can_undo || sent.length);
    enable(ui.redo, reply?.can_redo && !sent.length);
    enable(ui.clear, clicks.length);
    enable(ui.download, clicks.length);
    ui.robot.hidden = !reply?.can_robot;
    refresh({ clicks });
    watch();
  }

  /** Shows that an answer is awaited, and in the end that none will come. */
  function watch() {
    clearTimeout(slow);
    clearTimeout(lost);
    root.classList.remove("cc-busy");
    if (!link.pending.length) return;
    slow = setTimeout(() => root.classList.add("cc-busy"), SLOW);
    lost = setTimeout(() => say("error", `No answer for ${LOST / 1000} s. After a long rest the ` +
      "kernel is stopped: load the page, or run the cell, again."), LOST);
  }

  function say(kind, text) {
    ui.status.dataset.kind = kind;
    ui.text.textContent = text;
  }

  // What goes to Python

  function ask(what) {
    const answer = link.ask(what);
    root.setAttribute("aria-busy", "true");
    showClicks();
    return answer;
  }

  async function change(what) {
    const answer = await ask(what);
    if (answer.kind === "info") ask({ do: "prepare" });
  }

  function click(point, positive) {
    const leaving = link.pending.some(({ request }) => ["photo", "upload"].includes(request.do));
    if (look.photo && !leaving) ask({ do: "click", ...point, positive });
  }

  async function upload(file) {
    if (!file || ui.upload.getAttribute("aria-disabled") === "true") return;
    if (file.size > limit) {
      say("error", `This file has ${(file.size / 1e6).toFixed(1)} MB. ${ui.limits.textContent}`);
      return;
    }
    enable(ui.upload, false);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const parts = Math.max(1, Math.ceil(bytes.length / PIECE));
    let answer = null;
    for (let part = 0; part < parts && answer?.kind !== "error"; part++) {
      const data = base64(bytes.subarray(part * PIECE, (part + 1) * PIECE));
      answer = await ask({ do: "upload", part, parts, data });
    }
    enable(ui.upload, true);
    if (answer.kind === "info") ask({ do: "prepare" });
  }

  // What the user does

  /** Pixel of the photo under the pointer, the nearest one if it is outside. */
  function pixel(event) {
    const box = ui.canvas.getBoundingClientRect();
    const at = (share, size) => Math.min(size - 1, Math.max(0, Math.floor(share * size)));
    return { x: at((event.clientX - box.left) / box.width, look.size[0]),
             y: at((event.clientY - box.top) / box.height, look.size[1]) };
  }

  function onMouse(event) {
    if (event.type !== "pointerdown" || event.button === 1) return;
    const other = event.button === 2 || event.shiftKey || event.ctrlKey;
    refresh({ cross: null });
    click(pixel(event), !(negative || other));
  }

  /** A finger hides what it points at: it may slide, and counts where it leaves the screen. */
  function onTouch(event) {
    if (event.type === "pointerdown") touching = event.isPrimary; // a second finger calls it off
    if (!touching) return refresh({ cross: null });
    const box = ui.canvas.getBoundingClientRect();
    const inside = event.clientY > box.top - MARK && event.clientY < box.bottom + MARK;
    if (event.type === "pointerup" && inside) click(pixel(event), !negative);
    touching = event.type === "pointerdown" || event.type === "pointermove";
    refresh({ cross: touching && inside ? pixel(event) : null });
  }

  function onPointer(event) {
    if (event.type === "pointerdown") {
      ui.canvas.focus({ preventScroll: true });
      ui.canvas.classList.add("cc-pointed"); // whoever points needs no ring to find the place
    }
    if (event.pointerType === "touch") onTouch(event);
    else onMouse(event);
    event.preventDefault();
  }

  const keys = { u: "undo", y: "redo", c: "clear" };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !look.photo) return;
    ui.canvas.classList.remove("cc-pointed");
    const [width, height] = look.size, key = event.key.toLowerCase();
    const cross = look.cross ?? { x: width >> 1, y: height >> 1 };
    if (event.key in arrows) {
      const step = Math.max(1, Math.round(Math.max(width, height) / (event.shiftKey ? 20 : 160)));
      const [dx, dy] = arrows[event.key];
      refresh({ cross: { x: Math.min(width - 1, Math.max(0, cross.x + step * dx)),
                         y: Math.min(height - 1, Math.max(0, cross.y + step * dy)) } });
    } else if (key === "enter") {
      refresh({ cross });
      click(cross, !event.shiftKey);
    } else if (key === "escape" && look.cross) refresh({ cross: null });
    else if (key in keys) ask({ do: keys[key] }); // not by the buttons, which may lag behind
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function on(element, does) {
    element.addEventListener("click", () => {
      if (element.getAttribute("aria-disabled") !== "true") does();
    });
  }

  function mean(isNegative) {
    negative = isNegative;
    press(ui.positive, !negative);
    press(ui.negative, negative);
  }

  for (const what of ["undo", "redo", "clear", "robot", "download"]) {
    on(ui[what], () => ask({ do: what }));
  }
  on(ui.positive, () => mean(false));
  on(ui.negative, () => mean(true));
  on(ui.upload, () => ui.file.click());
  ui.file.addEventListener("change", () => {
    upload(ui.file.files[0]);
    ui.file.value = ""; // so that the same file can be chosen again
  });
  ui.model.addEventListener("change", () => ask({ do: "model", name: ui.model.value }));
  ui.opacity.addEventListener("input", () => refresh({ opacity: ui.opacity.value / 100 }));
  for (const part of ["fill", "edge"]) {
    ui[part].addEventListener("change", () => refresh({ [part]: ui[part].checked }));
  }
  for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
    ui.canvas.addEventListener(type, onPointer);
  }
  ui.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  ui.canvas.addEventListener("mousedown", (event) => event.stopPropagation()); // selects cells
  ui.canvas.addEventListener("keydown", onKey);
  ui.canvas.addEventListener("blur", () => {
    ui.canvas.classList.remove("cc-pointed");
    refresh({ cross: null });
  });
  ui.stage.addEventListener("dragover", (event) => event.preventDefault());
  ui.stage.addEventListener("drop", (event) => {
    event.preventDefault();
    upload(event.dataTransfer.files[0]);
  });

  const resized = new ResizeObserver(() => painter.fit(ui.stage.clientWidth));
  resized.observe(ui.stage);
  const stopTheme = followTheme(root);
  const silent = setTimeout(() => {
    if (!reply) say("error", "No kernel answers yet: run this notebook's cells from the top.");
  }, SILENT);
  mean(false);
  painter.fit(ui.stage.clientWidth);
  change({ do: "open" });

  return () => {
    [slow, lost, silent].forEach(clearTimeout);
    resized.disconnect();
    stopTheme();
    painter.stop();
  };
}

export default { render };
