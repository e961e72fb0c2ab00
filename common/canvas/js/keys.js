/** The keyboard: a crosshair that arrows move, and a key for each button. */

const NEARER = 1.5; // a step of the zoom by keys and buttons
const TEXTS = "input:not([type]), input[type=text], textarea"; // which have keys of their own

function listenToKeys(ui, painter, { ask, click }, mode) {
  const { look, view, refresh } = painter;
  const letters = { u: "undo", y: "redo", c: "clear" };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const nearer = { "+": NEARER, "=": NEARER, "-": 1 / NEARER, _: 1 / NEARER };

  const shareOf = ({ x, y }) => [x / look.size[0], y / look.size[1]];

  function middle() {
    const [x, y] = view.shareAt([0.5, 0.5]).map((share, axis) =>
      Math.floor(share * look.size[axis]));
    return { x, y };
  }

  /** A crosshair moves by a part of what is seen. */
  function move(cross, [dx, dy], far) {
    const part = Math.max(...look.size) / view.zoom / (far ? 20 : 160);
    const step = part < 1 ? part : Math.round(part);
    const to = { x: clamp(cross.x + step * dx, 0, look.size[0] - 1),
                 y: clamp(cross.y + step * dy, 0, look.size[1] - 1) };
    refresh({ cross: to });
    view.reveal(shareOf(to));
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !look.photo) return;
    ui.canvas.classList.remove("cc-pointed");
    const key = event.key.toLowerCase(), cross = look.cross ?? middle();
    if (event.key in arrows) move(cross, arrows[event.key], event.shiftKey);
    else if (key === "enter") {
      refresh({ cross });
      click(cross, mode.isPositive(event.shiftKey));
    } else if (key === "escape" && look.cross) refresh({ cross: null });
    else if (key in letters) ask({ do: letters[key] }); // not by the buttons, which may lag behind
    else if (key in nearer) view.zoomBy(nearer[key], view.spotOf(shareOf(cross)));
    else if (key === "0") view.whole();
    else if (key === " ") ui.canvas.classList.add("cc-grab"); // held, it lets the mouse drag
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  ui.canvas.addEventListener("keydown", onKey);
  ui.canvas.addEventListener("keyup", (event) => {
    if (event.key === " ") ui.canvas.classList.remove("cc-grab");
  });
  ui.canvas.addEventListener("blur", () => {
    ui.canvas.classList.remove("cc-pointed", "cc-grab");
    refresh({ cross: null });
  });
}

/**
 * JupyterLab takes keys before the canvas does: those with Ctrl, Cmd or Alt (to save, say) stay
 * its own, but for undo, redo and paste; letters are the canvas's. Returns what ends that.
 */
function shareKeys(root) {
  const share = (event) => root.toggleAttribute("data-lm-suppress-shortcuts",
    steps(event) !== null || event.key === "v" || !(event.ctrlKey || event.metaKey || event.altKey));
  window.addEventListener("keydown", share, true); // before its own listener on the document
  return () => window.removeEventListener("keydown", share, true);
}

/** "undo" or "redo" where the keys pressed mean that everywhere, else null. */
function steps({ ctrlKey, metaKey, altKey, shiftKey, key }) {
  const letter = key.toLowerCase();
  if (!(ctrlKey || metaKey) || altKey || !["z", "y"].includes(letter)) return null;
  return letter === "z" && !shiftKey ? "undo" : "redo";
}

/** Ctrl+Z and Ctrl+Y (or Cmd), wherever in the canvas the focus is; texts keep their own. */
function listenToSteps(root, { ask }) {
  root.addEventListener("keydown", (event) => {
    const step = steps(event);
    if (!step || event.target.matches(TEXTS)) return;
    event.preventDefault();
    event.stopPropagation();
    ask({ do: step });
  });
}
