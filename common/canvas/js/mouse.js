/** Mouse and pen: a press is a click at once; space or the middle button drags, the wheel zooms. */

/** Where on a canvas a pointer is: shares of its width and height. */
function spotOn(canvas, { clientX, clientY }) {
  const box = canvas.getBoundingClientRect();
  return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
}

/** The photo's point under a pointer, the nearest one if it is outside. */
function pointUnder(canvas, { look, view }, event) {
  const [x, y] = view.shareAt(spotOn(canvas, event)).map((share, axis) =>
    clamp(share * look.size[axis], 0, look.size[axis] - 1e-3));
  return { x, y };
}

/** Whoever points gives the canvas the focus, and needs no ring to find the place. */
function listenToPointing({ canvas }) {
  for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
    canvas.addEventListener(type, (event) => event.preventDefault());
  }
  canvas.addEventListener("pointerdown", () => {
    canvas.focus({ preventScroll: true });
    canvas.classList.add("cc-pointed");
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("mousedown", (event) => event.stopPropagation()); // selects cells
}

/** `mode` says what a press without a modifier means. */
function listenToMouse(ui, painter, click, mode) {
  const { canvas } = ui, { look, view, refresh } = painter;
  let dragged = null; // where the photo was taken hold of
  let carried = null; // the mark that was: its number and meaning

  const meant = (event) => mode.isPositive(event.button === 2 || event.shiftKey || event.ctrlKey);

  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") return;
    const drags = event.button === 1 || canvas.classList.contains("cc-grab");
    const point = pointUnder(canvas, painter, event), index = painter.markAt(point);
    refresh({ cross: null });
    if (drags) dragged = spotOn(canvas, event);
    else if (index >= 0) carried = { index, positive: meant(event) };
    else return click(point, meant(event), index);
    canvas.setPointerCapture(event.pointerId);
  });

  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const point = pointUnder(canvas, painter, event);
    canvas.classList.toggle("cc-carry", carried !== null || painter.markAt(point) >= 0);
    if (dragged) {
      const spot = spotOn(canvas, event);
      view.panBy(spot.map((at, axis) => at - dragged[axis]));
      dragged = spot;
    } else if (carried) {
      refresh({ clicks: look.clicks.map((each, at) =>
        at === carried.index ? { ...point, positive: carried.positive } : each) });
    }
  });

  canvas.addEventListener("pointerup", (event) => {
    if (carried) click(pointUnder(canvas, painter, event), carried.positive, carried.index);
    dragged = carried = null;
  });
  canvas.addEventListener("pointercancel", () => { dragged = carried = null; });

  /** The wheel is the page's until the canvas has the focus; with Ctrl, as a pinch has, never. */
  canvas.addEventListener("wheel", (event) => {
    const pinch = event.ctrlKey || event.metaKey;
    const out = view.zoom === 1 && event.deltaY > 0; // no farther: the page may scroll
    if (!pinch && (out || !canvas.matches(":focus"))) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 33;
    view.zoomBy(Math.exp(-event.deltaY * lines * (pinch ? 0.01 : 0.002)), spotOn(canvas, event));
  }, { passive: false });
}
