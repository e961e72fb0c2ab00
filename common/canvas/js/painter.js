/** The photo, the mask over it, the clicks and the crosshair, on a canvas. */

const MARK = 9, EDGE = 2.2; // CSS pixels: a click's radius, the edge's width
const TALLEST = 660; // CSS pixels of the photo

function loadImage(url) {
  const image = new Image();
  image.src = url;
  return image.decode().then(() => image);
}

function blank(width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  return canvas;
}

/** White-on-black picture -> canvas that is opaque where it was white. */
function toAlpha(image) {
  const canvas = blank(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at];
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** `shape` in one colour, swollen by `grow` pixels; what `grow` adds is all that stays. */
function tinted(shape, colour, grow = 0) {
  const canvas = blank(shape.width, shape.height);
  const context = canvas.getContext("2d");
  const steps = grow ? 16 : 1;
  for (let step = 0; step < steps; step++) {
    const angle = (2 * Math.PI * step) / steps;
    context.drawImage(shape, grow * Math.cos(angle), grow * Math.sin(angle));
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

/**
 * Draws whatever `look` says, soon after `refresh`. What it knows nothing of is drawn by functions of
 * (context, place, ratio): `under` the mask, and `over` the clicks.
 */
function createPainter(canvas) {
  const context = canvas.getContext("2d");
  const look = { photo: null, size: [4, 3], mask: null, clicks: [], cross: null,
                 opacity: 0.5, fill: true, edge: true, colour: COLOURS.mask, under: [], over: [] };
  let layers = null, ratio = 1, frame = 0, waiting = [];

  function makeLayers() {
    const shape = blank(canvas.width, canvas.height);
    shape.getContext("2d").drawImage(look.mask, 0, 0, shape.width, shape.height);
    layers = { fill: tinted(shape, look.colour), halo: tinted(shape, "#10222e", EDGE * ratio),
               edge: tinted(shape, "#fff", 0.6 * EDGE * ratio) };
  }

  function stroke(path, width, colour) {
    Object.assign(context, { lineWidth: width, strokeStyle: colour });
    context.stroke(path);
  }

  const place = ({ x, y }) => [(Math.floor(x) + 0.5) * canvas.width / look.size[0],
                               (Math.floor(y) + 0.5) * canvas.height / look.size[1]];

  function drawClick(click) {
    const [x, y] = place(click), radius = MARK * ratio, arm = 0.5 * radius;
    const disk = new Path2D(), sign = new Path2D();
    disk.arc(x, y, radius, 0, 2 * Math.PI);
    sign.moveTo(x - arm, y);
    sign.lineTo(x + arm, y);
    if (click.positive) {
      sign.moveTo(x, y - arm);
      sign.lineTo(x, y + arm);
    }
    stroke(disk, 5 * ratio, "rgb(0 0 0 / 0.45)");
    stroke(disk, 3 * ratio, "#fff");
    context.fillStyle = COLOURS[click.positive ? "positive" : "negative"];
    context.fill(disk);
    stroke(sign, 2.2 * ratio, "#fff");
  }

  function drawCross() {
    const [x, y] = place(look.cross), gap = 6 * ratio, cross = new Path2D();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      cross.moveTo(x + dx * gap, y + dy * gap);
      cross.lineTo(x + dx * 9999, y + dy * 9999);
    }
    stroke(cross, 3 * ratio, "rgb(0 0 0 / 0.55)");
    stroke(cross, 1.2 * ratio, "#fff");
  }

  function draw() {
    frame = 0;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (look.photo) context.drawImage(look.photo, 0, 0, canvas.width, canvas.height);
    look.under.forEach((paint) => paint(context, place, ratio));
    if (look.mask && !layers) makeLayers();
    if (look.mask && look.fill) {
      context.globalAlpha = look.opacity;
      context.drawImage(layers.fill, 0, 0);
      context.globalAlpha = 1;
    }
    if (look.mask && look.edge) {
      context.drawImage(layers.halo, 0, 0);
      context.drawImage(layers.edge, 0, 0);
    }
    look.clicks.forEach(drawClick);
    look.over.forEach((paint) => paint(context, place, ratio));
    if (look.cross) drawCross();
    waiting.splice(0).forEach((resolve) => resolve());
  }

  function refresh(changes = {}) {
    if ("mask" in changes || "colour" in changes) layers = null;
    Object.assign(look, changes);
    frame ||= requestAnimationFrame(draw);
    return new Promise((resolve) => waiting.push(resolve));
  }

  /** The photo as large as fits; a side is never too thin to be clicked on. */
  function fit(room) {
    const [width, height] = look.size;
    const tallest = Math.min(TALLEST, 0.7 * screen.height);
    const scale = Math.min(room / width, tallest / height);
    const sides = [width, height].map((side) => Math.max(24, Math.round(side * scale)));
    ratio = Math.min(2, window.devicePixelRatio || 1);
    const pixels = sides.map((side) => Math.round(side * ratio));
    [canvas.style.width, canvas.style.height] = sides.map((side) => `${side}px`);
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) {
      [canvas.width, canvas.height] = pixels;
      layers = null;
    }
    refresh();
  }

  return { look, refresh, fit, stop: () => cancelAnimationFrame(frame) };
}
