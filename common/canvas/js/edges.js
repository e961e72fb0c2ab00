/** A mask's edge, white in a dark halo: of one width, whatever part of the photo is seen. */

const EDGE = 2.2; // CSS pixels

/** `shape` in one colour, swollen by `grow` pixels (whole ones, which is fast); what `grow` adds is all that stays. */
function tinted(shape, colour, grow = 0) {
  const canvas = blank(shape.width, shape.height);
  const context = canvas.getContext("2d");
  const steps = grow ? 4 * Math.min(4, Math.ceil(1 + grow / 2)) : 1;
  for (let step = 0; step < steps; step++) {
    const angle = (2 * Math.PI * step) / steps;
    context.drawImage(shape, ...[Math.cos(angle), Math.sin(angle)].map((to) => Math.round(grow * to)));
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

/** The edge of `shape`, which fills the canvas; `width` in pixels of it. */
function edgeOf(shape, width) {
  const canvas = tinted(shape, "#10222e", width);
  canvas.getContext("2d").drawImage(tinted(shape, "#fff", 0.6 * width), 0, 0);
  return canvas;
}
