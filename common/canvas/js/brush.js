/**
 * Brush and eraser: strokes by mouse or finger, or by keys from Enter to Enter. What is painted stays,
 * whatever later clicks say elsewhere.
 */

const SMALL = 2, WIDE = 60; // CSS pixels of a brush's radius
const APART = 0.25; // of the radius: points of a stroke that are nearer are one
const LONG = 1500; // points of a stroke; a longer one goes on as another
Object.assign(ICONS, {
  brush: line('<path d="M13.5 2.5 7 9"/><path d="M6.8 8.6c-2.6-.4-3.2 1.5-3.2 3-.1.8-.6 1.4-1.4 1.7 2.8.8 6-.3 5.9-3.1"/>'),
  eraser: line('<path d="m2.5 10.5 7-7 4 4-6 6h-3zM6 7l4 4M7.5 13.5h6"/>'),
});
KEYS.push(["P, E, then drag, or Enter twice", "brush, eraser; [ and ] change their size"]);

function createBrush({ ui, painter, ask }) {
  const { look, view, refresh } = painter, { canvas } = ui;
  const tools = {
    brush: button("brush", "Brush", "Paint what is missing (P)"),
    eraser: button("eraser", "Eraser", "Erase what is too much (E)"),
  };
  const size = make("input", { type: "range", min: String(SMALL), max: String(WIDE), value: "12",
                               "aria-label": "Size of the brush" });
  const label = make("label", { class: "cc-label" }, "Brush", size);
  let on = null, stroke = null, sent = [], pointer = null, keys = false;
  ui.box.after(tools.brush, tools.eraser);
  ui.opacity.parentElement.after(label);

  const radius = () => (Number(size.value) * look.size[0]) / (canvas.clientWidth * view.zoom);
  const isPainting = () => on === "brush";

  function become(tool, tells = true) {
    if (tells && tool !== on) useTool(canvas, tool ? "brush" : "click");
    [on, stroke, keys] = [tool, null, false];
    for (const [name, each] of Object.entries(tools)) press(each, name === on);
    canvas.classList.toggle("cc-painting", on !== null);
    refresh();
  }

  function begin(point, positive) {
    stroke = { points: [point], radius: radius(), positive };
  }

  function extend(point) {
    const last = stroke.points.at(-1);
    if (Math.hypot(point.x - last.x, point.y - last.y) < APART * stroke.radius) return;
    stroke.points.push(point);
    if (stroke.points.length < LONG) return;
    const { positive } = stroke;
    finish();
    begin(point, positive);
  }

  function finish() {
    const done = stroke;
    stroke = null;
    sent.push(done);
    const points = done.points.map(({ x, y }) => [x, y]);
    ask({ do: "paint", points, radius: done.radius, positive: done.positive }).then(() => {
      sent = sent.filter((each) => each !== done);
      refresh();
    });
  }

  function onPointer(event) {
    if (!on || event.button === 1 || canvas.classList.contains("cc-grab")) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // it is no click
    const point = pointUnder(canvas, painter, event);
    pointer = event.type === "pointerleave" || event.pointerType === "touch" ? null : point;
    if (event.type === "pointerdown") {
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      stroke = null; // a second finger ends it
      if (event.isPrimary) begin(point, isPainting() !== (event.button === 2 || event.shiftKey));
    } else if (event.type === "pointermove" && stroke && !keys) extend(point);
    else if (event.type === "pointerup" && stroke && !keys) finish();
    else if (event.type === "pointercancel") stroke = null;
    refresh();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase(), tool = { p: "brush", e: "eraser" }[key];
    if (tool) become(on === tool ? null : tool);
    else if (!on) return;
    else if (key === "escape") become(null);
    else if (key === "[" || key === "]") size.value = Number(size.value) * (key === "[" ? 0.8 : 1.25);
    else if (key === "enter") {
      const cross = look.cross ?? { x: look.size[0] >> 1, y: look.size[1] >> 1 };
      refresh({ cross });
      if (stroke) {
        extend(cross);
        finish();
      } else begin(cross, isPainting() !== event.shiftKey);
      keys = stroke !== null;
    } else {
      if (keys) setTimeout(() => stroke && look.cross && extend(look.cross)); // where arrows lead
      return;
    }
    refresh();
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  function draw(context, place, ratio, { points, radius: reach, positive }) {
    const path = new Path2D(), perPixel = (canvas.width * view.zoom) / look.size[0];
    points.forEach((point, at) => path[at ? "lineTo" : "moveTo"](...place({ x: point.x + 1e-3, y: point.y + 1e-3 })));
    path.lineTo(...place({ x: points.at(-1).x + 2e-3, y: points.at(-1).y + 1e-3 })); // a dot, too
    context.save();
    Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: 2 * reach * perPixel,
      strokeStyle: positive ? look.colour : "#fff", globalAlpha: 0.65 });
    context.stroke(path);
    context.restore();
  }

  /** Strokes that are not answered yet, and the brush itself. */
  function paint(context, place, ratio) {
    for (const each of [...sent, ...(stroke ? [stroke] : [])]) draw(context, place, ratio, each);
    const at = on && (look.cross ?? pointer);
    if (!at) return;
    const [x, y] = place({ x: at.x + 1e-3, y: at.y + 1e-3 });
    for (const [colour, width] of [["rgb(0 0 0 / 0.6)", 3], ["#fff", 1.4]]) {
      context.beginPath();
      context.arc(x, y, Number(size.value) * ratio, 0, 2 * Math.PI);
      Object.assign(context, { strokeStyle: colour, lineWidth: width * ratio });
      context.stroke();
    }
  }

  for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave"]) {
    canvas.addEventListener(type, onPointer, true);
  }
  canvas.addEventListener("touchmove", (event) => on && event.preventDefault(), { passive: false });
  canvas.addEventListener("keydown", onKey, true);
  canvas.addEventListener("cc-tool", ({ detail }) => on && detail !== "brush" && become(null, false));
  for (const [name, each] of Object.entries(tools)) {
    each.addEventListener("click", () => become(on === name ? null : name));
  }
  size.addEventListener("input", () => refresh());
  look.over.push(paint);
  become(null);

  return {
    show({ photo }) {
      if (photo !== canvas.dataset.painted) become(null);
      canvas.dataset.painted = photo;
    },
  };
}
