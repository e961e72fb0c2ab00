/** A box round an animal: dragged with mouse or finger, or from corner to corner by keys. */

const SMALLEST = 4; // pixels of a box's side; less was no drag
ICONS.box = line('<rect x="2.5" y="3.5" width="11" height="9" stroke-dasharray="2.6 1.6"/>');
KEYS.push(["B, then drag, or Enter twice", "a box round the animal"]);

function createBox({ ui, painter, ask }) {
  const { look, refresh } = painter, { canvas } = ui;
  const tool = button("box", "Box", "Drag a box round an animal (B)");
  let on = false, from = null, to = null, drawn = null; // `drawn`: the chosen animal's
  ui.negative.after(tool);
  ui.box = tool;

  function become(now, tells = true) {
    if (tells && now !== on) useTool(canvas, now ? "box" : "click");
    [on, from, to] = [now, null, null];
    press(tool, on);
    canvas.classList.toggle("cc-boxing", on);
    refresh();
  }

  function finish(end, pixel) {
    const [x0, x1] = [from.x, end.x].sort((a, b) => a - b);
    const [y0, y1] = [from.y, end.y].sort((a, b) => a - b);
    const large = Math.min(x1 - x0, y1 - y0) >= Math.min(SMALLEST, ...look.size);
    become(!large);
    if (large) ask({ do: "box", x0, y0, x1: x1 + pixel, y1: y1 + pixel });
  }

  function onPointer(event) {
    if (!on || event.button === 1 || canvas.classList.contains("cc-grab")) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // it is no click
    const point = pointUnder(canvas, painter, event);
    if (event.type === "pointerdown") {
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      [from, to] = event.isPrimary ? [point, point] : [null, null];
    } else if (event.type === "pointermove" && from) to = point;
    else if (event.type === "pointerup" && from) finish(point, 0);
    else if (event.type === "pointercancel") from = to = null;
    refresh();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const cross = look.cross ?? { x: look.size[0] >> 1, y: look.size[1] >> 1 };
    if (event.key.toLowerCase() === "b" && !tool.hidden) become(!on);
    else if (on && event.key === "Escape") become(false);
    else if (on && event.key === "Enter" && from) finish(cross, 1);
    else if (on && event.key === "Enter") [from, to] = [cross, null];
    else return;
    refresh({ cross });
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** Dashes in white on black, over any photo; while one is drawn, the crosshair is its corner. */
  function paint(context, place, ratio) {
    const corners = from ? [from, to ?? look.cross ?? from] : drawn && [
      { x: drawn[0] + 1e-3, y: drawn[1] + 1e-3 }, { x: drawn[2] - 1e-3, y: drawn[3] - 1e-3 }];
    if (!corners) return;
    const [[left, top], [right, bottom]] = corners.map(place);
    context.save();
    for (const [colour, dash] of [["rgb(0 0 0 / 0.7)", []], ["#fff", [6 * ratio, 4 * ratio]]]) {
      context.setLineDash(dash);
      Object.assign(context, { lineWidth: 2 * ratio, strokeStyle: colour });
      context.strokeRect(left, top, right - left, bottom - top);
    }
    context.restore();
  }

  for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
    canvas.addEventListener(type, onPointer, true);
  }
  canvas.addEventListener("touchmove", (event) => on && event.preventDefault(), { passive: false });
  canvas.addEventListener("keydown", onKey, true);
  tool.addEventListener("click", () => become(!on));
  canvas.addEventListener("cc-tool", ({ detail }) => on && detail !== "box" && become(false, false));
  look.over.push(paint);
  become(false);

  return {
    show({ box, photo }) {
      tool.hidden = box === undefined; // whoever answers knows no boxes
      drawn = box;
      if (photo !== canvas.dataset.boxed) become(false);
      canvas.dataset.boxed = photo;
      refresh();
    },
  };
}
