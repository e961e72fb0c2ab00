/** The photo, the mask over it, the clicks and the crosshair, on a canvas. */

const MARK = 9; // CSS pixels: a click's radius
const TALLEST = 660, LEAST = 320; // CSS pixels of the photo
const BESIDE = 256; // … of what is above and below it: buttons, status and list
const GRAINY = 3; // pixels of the canvas from which on one of a picture is shown as a square
const REST = 90; // ms without a move until the edge is drawn anew

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

/** What is white of a picture on black: its pixels as `values`, above 0 where it is. */
async function whiteIn(url) {
  const image = await loadImage(url), { naturalWidth: width, naturalHeight: height } = image;
  const context = blank(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height), values = new Uint8Array(width * height);
  for (let at = 0; at < values.length; at++) values[at] = data[4 * at] & 128;
  return { values, width, height };
}

/**
 * A mask, as a picture's address or as values above 0 in it -> canvas that is opaque there, the share
 * that is, and a place well inside, in shares: the middle of the longest run in the row that halves it.
 */
async function toShape(mask) {
  const { values, width, height } = typeof mask === "string" ? await whiteIn(mask) : mask;
  const pixels = new ImageData(width, height), opaque = new Uint32Array(pixels.data.buffer);
  const rows = new Uint32Array(height);
  for (let row = 0, at = 0; row < height; row++) {
    for (const end = at + width; at < end; at++) {
      if (values[at] <= 0) continue;
      opaque[at] = 0xff000000;
      rows[row] += 1;
    }
  }
  const inside = rows.reduce((sum, count) => sum + count, 0);
  let row = 0;
  for (let above = rows[0]; 2 * above < inside; above += rows[++row]);
  let best = 0, run = 0, middle = 0;
  for (let x = 0; x < width; x++) {
    run = values[row * width + x] > 0 ? run + 1 : 0;
    if (run > best) [best, middle] = [run, x + 1 - run / 2];
  }
  const canvas = blank(width, height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return Object.assign(canvas, { values, share: inside / values.length,
                                 middle: [middle / width, (row + 0.5) / height] });
}

/** Whether a shape, which lies on a photo of a size, is at a point of it. */
function covers(shape, { x, y }, [width, height]) {
  if (!shape) return false;
  const row = Math.floor((y * shape.height) / height);
  return shape.values[row * shape.width + Math.floor((x * shape.width) / width)] > 0;
}

/**
 * Draws whatever `look` says, soon after `refresh`; `zoomed` is called when another part is seen.
 * What it knows nothing of is drawn by functions of (context, place, ratio, drawPart): `under` the
 * mask, and `over` the clicks. Points are (x, y) in pixels of the photo.
 */
function createPainter(canvas, zoomed) {
  const context = canvas.getContext("2d");
  const look = { photo: null, size: [4, 3], mask: null, clicks: [], cross: null,
                 opacity: 0.5, fill: true, edge: true, colour: COLOURS.cat, under: [], over: [] };
  const view = createView(moved);
  let fill = null, edge = null, ratio = 1, frame = 0, rest = 0, waiting = [];

  function moved() {
    clearTimeout(rest);
    rest = setTimeout(() => { edge = null; refresh(); }, REST);
    zoomed();
    refresh();
  }

  /** Where a share of the photo is, in pixels of the canvas. */
  function at(share) {
    const [across, down] = view.spotOf(share);
    return [across * canvas.width, down * canvas.height];
  }

  /** A point's own place; a whole number means the middle of a pixel. */
  const place = ({ x, y }) => at([x, y].map((value, axis) =>
    (Number.isInteger(value) ? value + 0.5 : value) / look.size[axis]));

  /** A picture of the photo's part from one share to another. */
  function drawPart(on, picture, from = [0, 0], to = [1, 1]) {
    const [left, top] = at(from), [right, bottom] = at(to);
    on.imageSmoothingEnabled = (right - left) / picture.width < GRAINY;
    on.drawImage(picture, left, top, right - left, bottom - top);
  }

  /** While the view moves, the edge of before moves along. */
  function drawEdge() {
    if (!edge) {
      const shape = blank(canvas.width, canvas.height);
      drawPart(shape.getContext("2d"), look.mask);
      const [from, to] = [view.shareAt([0, 0]), view.shareAt([1, 1])];
      edge = { picture: edgeOf(shape, EDGE * ratio), from, to };
    }
    drawPart(context, edge.picture, edge.from, edge.to);
  }

  function stroke(path, width, colour) {
    Object.assign(context, { lineWidth: width, strokeStyle: colour });
    context.stroke(path);
  }

  function drawClick(click) {
    const [x, y] = place(click), radius = MARK * ratio, arm = 0.5 * radius;
    const disk = new Path2D(), sign = new Path2D();
    if (click.positive) disk.arc(x, y, radius, 0, 2 * Math.PI);
    else disk.rect(x - radius, y - radius, 2 * radius, 2 * radius);
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
    if (look.photo) drawPart(context, look.photo);
    look.under.forEach((paint) => paint(context, place, ratio, drawPart));
    if (look.mask && look.fill) {
      fill ??= tinted(look.mask, look.colour);
      context.globalAlpha = look.opacity;
      drawPart(context, fill);
      context.globalAlpha = 1;
    }
    if (look.mask && look.edge) drawEdge();
    look.clicks.forEach(drawClick);
    look.over.forEach((paint) => paint(context, place, ratio, drawPart));
    if (look.cross) drawCross();
    waiting.splice(0).forEach((resolve) => resolve());
  }

  function refresh(changes = {}) {
    if ("mask" in changes || "colour" in changes) fill = edge = null;
    Object.assign(look, changes);
    frame ||= requestAnimationFrame(draw);
    return new Promise((resolve) => waiting.push(resolve));
  }

  /** The photo as large as fits; a side is never too thin to be clicked on. */
  function fit(room) {
    const [width, height] = look.size;
    const low = matchMedia("(max-height: 500px)").matches; // the buttons are beside the photo
    const tallest = low ? innerHeight - 8 :
      Math.min(TALLEST, 0.7 * screen.height, Math.max(LEAST, innerHeight - BESIDE));
    const scale = Math.min(room / width, tallest / height);
    const sides = [width, height].map((side) => Math.max(24, Math.round(side * scale)));
    ratio = Math.min(2, window.devicePixelRatio || 1);
    const pixels = sides.map((side) => Math.round(side * ratio));
    [canvas.style.width, canvas.style.height] = sides.map((side) => `${side}px`);
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) {
      [canvas.width, canvas.height] = pixels;
      edge = null;
    }
    view.bound(width, sides[0]);
  }

  function stop() {
    clearTimeout(rest);
    cancelAnimationFrame(frame);
  }

  /** Number of the mark at a point, the last one where they overlap; -1 if there is none. */
  function markAt(point) {
    const [x, y] = place(point), reach = (MARK + 3) * ratio;
    return look.clicks.findLastIndex((click) => {
      const [across, down] = place(click);
      return Math.hypot(across - x, down - y) <= reach;
    });
  }

  return { look, view, refresh, fit, markAt, stop };
}
