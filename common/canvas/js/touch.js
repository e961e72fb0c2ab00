/**
 * Fingers. A tap is a click. One that rests, or moves sideways, aims with a crosshair and counts
 * where it leaves the screen. One that moves on drags a photo that is zoomed, else it scrolls the
 * page; two fingers zoom and drag.
 */

const HOLD = 400, SLIP = 10; // ms and CSS pixels that a tap may take

function listenToTouch(ui, painter, click, mode) {
  const { canvas } = ui, { view, refresh } = painter;
  const fingers = new Map(); // by its id, each one's last event
  let doing = null, first = null, held = 0; // doing: tap, aim, drag, zoom or nothing that is ours

  const aim = (event) => refresh({ cross: pointUnder(canvas, painter, event) });

  function become(what) {
    clearTimeout(held);
    doing = what;
    if (what !== "aim") refresh({ cross: null });
  }

  function onDown(event) {
    fingers.set(event.pointerId, event);
    if (fingers.size > 1) return become("zoom");
    first = event;
    become("tap");
    held = setTimeout(() => { become("aim"); aim(first); }, HOLD);
  }

  /** What a finger does that has just begun to move. */
  function slipped(event) {
    const [across, down] = [event.clientX - first.clientX, event.clientY - first.clientY];
    if (Math.hypot(across, down) < SLIP) return "tap";
    if (view.zoom > 1) return "drag";
    return Math.abs(across) > Math.abs(down) ? "aim" : "scroll";
  }

  function drag(from, to) {
    const [a, b] = [from, to].map((event) => spotOn(canvas, event));
    view.panBy(b.map((at, axis) => at - a[axis]));
  }

  const between = ([a, b]) => ({ clientX: (a.clientX + b.clientX) / 2,
                                 clientY: (a.clientY + b.clientY) / 2 });
  const apart = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1;

  function onMove(event) {
    const before = [...fingers.values()], last = fingers.get(event.pointerId);
    if (!last) return;
    fingers.set(event.pointerId, event);
    const now = [...fingers.values()];
    if (doing === "tap") become(slipped(event));
    if (doing === "drag") drag(last, event);
    else if (doing === "aim") aim(event);
    else if (doing === "zoom" && now.length === 2) {
      view.zoomBy(apart(now) / apart(before), spotOn(canvas, between(before)));
      drag(between(before), between(now));
    }
  }

  function onUp(event) {
    fingers.delete(event.pointerId);
    const [, down] = spotOn(canvas, event), beside = MARK / canvas.clientHeight;
    const inside = down > -beside && down < 1 + beside;
    const counts = event.type === "pointerup" && inside && ["tap", "aim"].includes(doing);
    const mark = painter.markAt(pointUnder(canvas, painter, first));
    become(null); // a finger that stays after a zoom does nothing more
    if (counts) click(pointUnder(canvas, painter, event), mode.isPositive(), mark);
  }

  const does = { pointerdown: onDown, pointermove: onMove, pointerup: onUp, pointercancel: onUp };
  for (const [type, listener] of Object.entries(does)) {
    canvas.addEventListener(type, (event) => {
      if (event.pointerType === "touch") listener(event);
    });
  }
  canvas.addEventListener("touchmove", (event) => { // else the page would scroll along
    if (["aim", "drag", "zoom"].includes(doing)) event.preventDefault();
  }, { passive: false });
}
