/**
 * Masks as logits (bytes with a sign, in steps of 1 / 16, row by row) at the size of a photo: with what
 * is painted by hand, apart from one another, and as opacity. As in Python: `brush`, `objects`, `exports`.
 */

const PAINTED = 127, TOLD = 5, STEPS = 16, OPAQUE = 0.95, CLEAR = 0.05;

/** Logits with strokes over them. */
function withStrokes(logits, size, scale, now) {
  if (!now.strokes.length) return logits;
  const fixed = standing(size, scale, now);
  return logits.map((logit, at) => fixed[at] ? PAINTED * fixed[at] : logit);
}

/** What of strokes, the newest last, no later stroke or click took away: 1 painted, -1 erased. */
function standing([width, height], scale, { strokes, clicks }) {
  const fixed = new Int8Array(width * height);
  for (let count = 0; count <= clicks.length; count++) {
    for (const stroke of strokes.filter(({ after }) => after === count)) {
      const { data } = strokePixels(stroke, width, height, scale);
      for (let at = 0; at < fixed.length; at++) {
        if (data[4 * at + 3] > 127) fixed[at] = stroke.positive ? 1 : -1;
      }
    }
    const click = clicks[count];
    if (!click) continue;
    const at = Math.floor(click.y * scale) * width + Math.floor(click.x * scale);
    if (fixed[at] === (click.positive ? -1 : 1)) clearRegion(fixed, at, width, height);
  }
  return fixed;
}

/** Clicks in the middle of the newest strokes that stand, for the network to know of. */
function middlesOf(strokes, fixed, [width], scale) {
  return strokes.map(({ points, positive }) => {
    const [x, y] = points[points.length >> 1];
    return { x, y, positive };
  }).filter(({ x, y, positive }) =>
    fixed[Math.floor(y * scale) * width + Math.floor(x * scale)] === (positive ? 1 : -1)).slice(-TOLD);
}

function strokePixels({ points, radius }, width, height, scale) {
  const context = blank(width, height).getContext("2d", { willReadFrequently: true });
  Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: 2 * radius * scale });
  context.beginPath();
  points.forEach(([x, y], index) => context[index ? "lineTo" : "moveTo"](x * scale, y * scale));
  const [x, y] = points.at(-1);
  context.lineTo(x * scale + 1e-3, y * scale); // a dot, too
  context.stroke();
  return context.getImageData(0, 0, width, height);
}

/** Set the pixels to 0 that touch one (be it at a corner) and have its value. */
function clearRegion(values, start, width, height) {
  const value = values[start], waiting = [start];
  while (waiting.length) {
    const at = waiting.pop(), x = at % width, y = Math.floor(at / width);
    if (values[at] !== value) continue;
    values[at] = 0;
    for (let down = Math.max(0, y - 1); down <= Math.min(height - 1, y + 1); down++) {
      for (let across = Math.max(0, x - 1); across <= Math.min(width - 1, x + 1); across++) {
        waiting.push(down * width + across);
      }
    }
  }
}

/** Logits of several animals such that no pixel is above 0 where another one's are higher. */
function apart(logits) {
  if (logits.length < 2) return logits;
  return logits.map((one, number) => one.map((value, at) =>
    logits.some((other, index) => other[at] > value || (other[at] === value && index < number))
      ? -Math.abs(value) : value));
}

/** Opacity of a cut-out: 128 and more where a mask is. */
const ALPHA = Uint8Array.from({ length: 256 }, (_, at) => {
  const logit = (at - 128) / STEPS, chance = 1 / (1 + Math.exp(-logit));
  const soft = Math.round(255 * Math.min(1, Math.max(0, (chance - CLEAR) / (OPAQUE - CLEAR))));
  return logit > 0 ? Math.max(128, soft) : Math.min(127, soft);
});

/** The animals of a photo (RGBA bytes) on transparent ground. */
function cutOut(pixels, animals) {
  const out = pixels.slice();
  for (let at = 0; at < out.length / 4; at++) {
    out[4 * at + 3] = Math.max(...animals.map(({ logits }) => ALPHA[logits[at] + 128]));
  }
  return out;
}

/** The numbers of animals by their place, 0 where there is none; or 255 for each. */
function labelled(animals, byNumber) {
  const labels = new Uint8Array(animals[0].logits.length);
  animals.forEach(({ logits }, index) => logits.forEach((value, at) => {
    if (value > 0) labels[at] = byNumber ? index + 1 : 255;
  }));
  return labels;
}

/** The middle of the longest run of a mask in any row, as a click in it; null if there is none. */
function middleOf(logits, width, height) {
  let best = 0, middle = null;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0, run = 0; x < width; x++, at++) {
      run = logits[at] > 0 ? run + 1 : 0;
      if (run > best) [best, middle] = [run, { x: Math.floor(x - run / 2), y, positive: true }];
    }
  }
  return middle;
}

/** Logits at another size, each pixel the nearest one's. */
function nearest(logits, width, height, w, h) {
  const out = new Int8Array(w * h);
  for (let y = 0, to = 0; y < h; y++) {
    const row = Math.floor(((y + 0.5) * height) / h) * width;
    for (let x = 0; x < w; x++) out[to++] = logits[row + Math.floor(((x + 0.5) * width) / w)];
  }
  return out;
}
