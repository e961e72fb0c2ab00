/** What Python says becomes visible: photo, mask, clicks, thumbnails and status. */

const SLOW = 350, LOST = 20000; // ms until the bar runs, and until the kernel seems to be gone

/** `link` has the requests still to be answered; `onPhoto` is told of a photo that is chosen. */
function createScreen({ root, ui, painter, link, mode, onPhoto }) {
  const { look, refresh } = painter;
  let reply = null, limits = { bytes: Infinity }, unsaved = false, shownMask = null, slow = 0, lost = 0;
  let photoTurn = 0, maskTurn = 0;

  function show(now, answered) {
    reply = now;
    if (now.show) showPhoto(now.show);
    if (now.photos) showThumbs(now.photos);
    if (now.models) showChoices(now);
    if (now.file) unsaved = false;
    else if (CHANGES.includes(answered?.request.do)) unsaved = true;
    root.toggleAttribute("data-unsaved", unsaved);
    ui.model.value = now.model;
    for (const thumb of ui.thumbs.children) press(thumb, thumb.title === now.photo);
    say(now.kind, now.status);
    showClicks();
    showMask(now, answered);
  }

  /** Models to choose from, then those that are not here, each with how to get it. */
  function showChoices({ models, absent = {}, limits: told }) {
    ui.model.replaceChildren(...models.map((name) => make("option", { text: name, value: name })),
      ...Object.entries(absent).map(([name, how]) =>
        make("option", { text: `${name} is not here: ${how}`, disabled: "" })));
    limits = told;
    ui.limits.textContent = `${told.text}.`;
  }

  async function showPhoto(photo) {
    const turn = ++photoTurn;
    ui.canvas.setAttribute("aria-label", `Photo: ${photo.name}. Arrows move a crosshair, ` +
      "Enter marks the pet, Shift and Enter what is not the pet.");
    ui.credit.textContent = photo.name + (photo.credit && `. Photo: ${photo.credit}`);
    const image = await loadImage(photo.url);
    if (turn !== photoTurn) return;
    Object.assign(look, { photo: image, size: [photo.width, photo.height], cross: null });
    painter.view.whole();
    mode.reset();
    painter.fit(ui.stage.clientWidth);
    root.dataset.photo = photo.name;
  }

  async function showMask(now, answered) {
    const turn = ++maskTurn;
    if (now.mask !== shownMask) {
      const mask = now.mask && await toShape(now.mask);
      if (turn !== maskTurn) return; // a newer one is on its way
      shownMask = now.mask;
      refresh({ mask });
    }
    ui.covered.textContent = now.mask ? `${percent(look.mask.share)} of the photo covered` : "";
    await refresh();
    const screenMs = ["click", "clicks", "take"].includes(answered?.request.do) ? performance.now() - answered.since : 0;
    if (turn !== maskTurn) return;
    ui.readouts.replaceChildren(...readouts(now, screenMs));
    root.setAttribute("aria-busy", String(link.pending.length > 0));
  }

  function showThumbs(photos) {
    ui.thumbs.replaceChildren(...photos.map(({ name, url }) => {
      const picture = make("img", { src: url, alt: name, draggable: "false" });
      const thumb = make("button", { type: "button", class: "cc-thumb", title: name }, picture);
      thumb.addEventListener("click", () => onPhoto(name));
      return thumb;
    }));
  }

  function showClicks() {
    const sent = link.pending.map((each) => each.request);
    const clicks = expected(reply?.clicks ?? [], sent), changed = clicks !== reply?.clicks;
    enable(ui.undo, reply?.can_undo || changed);
    enable(ui.redo, reply?.can_redo && !changed);
    enable(ui.clear, clicks.length || reply?.box);
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

  return {
    show, showClicks, say,
    isEmpty: () => reply === null,
    limits: () => limits,
    isUnsaved: () => unsaved,
    stop: () => [slow, lost].forEach(clearTimeout),
  };
}

/** How near the photo is, on its buttons. */
function showZoom(ui, { zoom, most }) {
  ui.whole.textContent = `${zoom.toFixed(zoom < 9.95 && zoom > 1 ? 1 : 0)}×`;
  enable(ui.farther, zoom > 1);
  enable(ui.whole, zoom > 1);
  enable(ui.nearer, zoom < most);
  ui.canvas.classList.toggle("cc-near", zoom > 1); // one finger drags the photo, not the page
}
