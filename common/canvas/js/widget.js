/**
 * The click canvas: draws a photo, its mask and the clicks, and passes on what the user does.
 *
 * Everything else happens in Python (session.py). Requests are numbered; a click is shown at
 * once and stays "pending" until the answer to it has come; of several answers only the newest
 * mask is drawn. Points are (x, y) in pixels of the native photo.
 *
 * It is joined with the parts beside it into one module (widget.py lists them), since a notebook
 * takes no more.
 */

const SILENT = 8000; // ms until no kernel seems to be there

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

function render({ model, el }) {
  const root = make("div");
  el.append(root);
  const ui = build(root), mode = createMode(ui);
  const painter = createPainter(ui.canvas, () => showZoom(ui, painter.view));
  const link = createLink(model, (...said) => parts.forEach((part) => part.show(...said)));
  const onPhoto = (name) => actions.ask({ do: "photo", name });
  const screen = createScreen({ root, ui, painter, link, mode, onPhoto });
  const actions = createActions({ root, painter, link, screen,
                                  foundAt: (point) => found.at(point) });
  const upload = createUploads({ ui, ask: actions.ask, screen });
  listenToButtons(ui, painter, actions, upload);
  const { ask } = actions, given = { ui, painter, link, ask, say: screen.say };
  const leaving = createLeaving(given);
  const animals = createAnimals(given), found = createFound(given);
  const parts = [screen, animals, found, createBox(given), createBrush(given), leaving];
  listenToPointing(ui);
  listenToMouse(ui, painter, actions.click, mode);
  listenToTouch(ui, painter, actions.click, mode);
  listenToKeys(ui, painter, actions, mode);
  listenToSteps(root, actions);

  const fit = () => painter.fit(ui.stage.clientWidth);
  const resized = new ResizeObserver(fit);
  resized.observe(ui.stage);
  const stops = [followTheme(root), shareKeys(root), listenToFiles(root, upload),
                 guardLeaving(root, screen.isUnsaved)];
  const silent = setTimeout(() => {
    if (!screen.isEmpty()) return;
    screen.say("error", "No kernel answers yet: run this notebook's cells from the top.");
  }, SILENT);
  model.on("comm_live_update", () => screen.say("error", "The kernel is gone: it was stopped or started " +
    "anew. What you see stays; run the cell again to go on."));
  fit();
  actions.ask({ do: "open" });

  return () => {
    clearTimeout(silent);
    screen.stop();
    leaving.stop();
    resized.disconnect();
    stops.forEach((stop) => stop());
    painter.stop();
  };
}

export default { render };
