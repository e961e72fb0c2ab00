/**
 * What the model found before anybody clicked: outlines in the colours of their species. The one
 * under the pointer (or the crosshair) is filled, and a click takes it.
 */

const FAINT = 0.16; // opacity of those that are not pointed at
ICONS.all = line('<rect x="2.5" y="2.5" width="4.5" height="4.5"/><rect x="9" y="2.5" width="4.5" height="4.5"/><rect x="2.5" y="9" width="4.5" height="4.5"/><rect x="9" y="9" width="4.5" height="4.5"/>');

function createFound({ ui, painter, link, ask }) {
  const { look, refresh } = painter, shapes = new Map(); // by the mask
  const all = button("all", "Take all", "Make an animal of each that was found");
  let ghosts = [], pointer = null, photo = "";
  ui.list.after(all);
  all.addEventListener("click", () => {
    ask({ do: "take_all" });
    ui.canvas.focus({ preventScroll: true });
  });

  async function shapeOf({ mask, species }) {
    const shape = await toShape(mask), [colour] = PAINTS[species ?? "animal"];
    shapes.set(mask, { shape, fill: tinted(shape, colour),
                       edge: tinted(shape, colour, Math.max(1, shape.width / 400)) });
    refresh();
  }

  /** Number of the one at a point, where the chosen animal is not; 0 if there is none. */
  function at(point) {
    if (!ui.found.checked || covers(look.mask, point, look.size)) return 0;
    return ghosts.find(({ mask }) => covers(shapes.get(mask)?.shape, point, look.size))?.number ?? 0;
  }

  look.under.push((context, place, ratio, drawPart) => {
    if (!ui.found.checked) return;
    const point = look.cross ?? pointer, under = point ? at(point) : 0;
    for (const { number, mask } of ghosts) {
      const made = shapes.get(mask);
      if (!made) continue; // still on its way
      context.globalAlpha = number === under ? look.opacity : FAINT * (look.opacity > 0);
      drawPart(context, made.fill);
      context.globalAlpha = 1;
      drawPart(context, made.edge);
    }
    ui.canvas.classList.toggle("cc-choosing", under > 0 && !look.cross);
  });

  function point(event) {
    if (event.pointerType === "touch" || !ghosts.length) return;
    pointer = event.type === "pointerleave" ? null : pointUnder(ui.canvas, painter, event);
    refresh();
  }
  ui.canvas.addEventListener("pointermove", point);
  ui.canvas.addEventListener("pointerleave", point);
  ui.found.addEventListener("change", () => refresh());

  /** One place more, as soon as nothing else is asked for. */
  function goOn() {
    if (!link.pending.length) ask({ do: "find" });
  }

  return {
    at,
    show(now) {
      ghosts = now.found ?? [];
      ui.found.parentElement.hidden = now.found === undefined;
      all.hidden = ghosts.length < 2; // one is taken by a click as soon
      for (const mask of shapes.keys()) {
        if (!ghosts.some((ghost) => ghost.mask === mask)) shapes.delete(mask);
      }
      for (const ghost of ghosts) if (!shapes.has(ghost.mask)) shapeOf(ghost);
      if (photo !== now.photo) pointer = null;
      photo = now.photo;
      refresh();
      if (now.can_find && now.kind === "info") setTimeout(goOn);
    },
  };
}
