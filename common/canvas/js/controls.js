/** Mouse, finger, keys and buttons: what the user does becomes actions. */

/** Clicks by mouse and finger; `isNegative` says what one without a modifier means. */
function listenToPointers(ui, { look, refresh }, click, isNegative) {
  let touching = false;

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
    click(pixel(event), !(isNegative() || other));
  }

  /** A finger hides what it points at: it may slide, and counts where it leaves the screen. */
  function onTouch(event) {
    if (event.type === "pointerdown") touching = event.isPrimary; // a second finger calls it off
    if (!touching) return refresh({ cross: null });
    const box = ui.canvas.getBoundingClientRect();
    const inside = event.clientY > box.top - MARK && event.clientY < box.bottom + MARK;
    if (event.type === "pointerup" && inside) click(pixel(event), !isNegative());
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

  for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
    ui.canvas.addEventListener(type, onPointer);
  }
  ui.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  ui.canvas.addEventListener("mousedown", (event) => event.stopPropagation()); // selects cells
}

/** A crosshair that arrows move, and a letter for each button. */
function listenToKeys(ui, { look, refresh }, { ask, click }) {
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

  ui.canvas.addEventListener("keydown", onKey);
  ui.canvas.addEventListener("blur", () => {
    ui.canvas.classList.remove("cc-pointed");
    refresh({ cross: null });
  });
}

/**
 * JupyterLab takes keys before the canvas does: those with Ctrl, Cmd or Alt (to save, say) stay
 * its own, letters are the canvas's. Returns what ends that.
 */
function shareKeys(root) {
  const share = (event) => root.toggleAttribute(
    "data-lm-suppress-shortcuts", !(event.ctrlKey || event.metaKey || event.altKey));
  window.addEventListener("keydown", share, true); // before its own listener on the document
  return () => window.removeEventListener("keydown", share, true);
}

/** Buttons, menus and files; returns whether a click means what is not the pet. */
function listenToButtons(ui, { refresh }, { ask, upload }) {
  let negative = false;

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
  ui.stage.addEventListener("dragover", (event) => event.preventDefault());
  ui.stage.addEventListener("drop", (event) => {
    event.preventDefault();
    upload(event.dataTransfer.files[0]);
  });
  mean(false);
  return () => negative;
}
