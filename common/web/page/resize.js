/**
 * Photos made small as Pillow does it: what the network sees is then the same here as in
 * `common.data.geometry`. (A canvas could do it, but each browser has a filter of its own.)
 */

const GAP = 3; // of `geometry.fit_photo`: whole pixels are averaged first where there are many
const ONE = 2 ** 22; // a weight of 1; Pillow's are whole numbers, and it rounds halves up

/** A mean as Pillow rounds it: by a factor that is cut off at the 24th bit. */
function rounded(sum, count) {
  return Math.floor(((sum + (count >> 1)) * Math.trunc(2 ** 24 / count)) / 2 ** 24);
}

/** Mean of blocks of across × down pixels, RGBA bytes -> RGB bytes; the last ones may be cut. */
function reduced(pixels, width, height, across, down) {
  const [w, h] = [Math.ceil(width / across), Math.ceil(height / down)];
  const out = new Uint8ClampedArray(3 * w * h);
  for (let y = 0, to = 0; y < h; y++) {
    const bottom = Math.min(height, (y + 1) * down);
    for (let x = 0; x < w; x++) {
      const right = Math.min(width, (x + 1) * across);
      let red = 0, green = 0, blue = 0;
      for (let row = y * down; row < bottom; row++) {
        const end = 4 * (row * width + right);
        for (let at = 4 * (row * width + x * across); at < end; at += 4) {
          red += pixels[at];
          green += pixels[at + 1];
          blue += pixels[at + 2];
        }
      }
      const count = (bottom - y * down) * (right - x * across);
      for (const sum of [red, green, blue]) out[to++] = rounded(sum, count);
    }
  }
  return { pixels: out, width: w, height: h };
}

/** For each of `size` new pixels, the first of `count` old ones that it takes in, and weights. */
function triangles(count, extent, size) {
  const scale = extent / size, reach = Math.max(1, scale);
  return Array.from({ length: size }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(count, Math.trunc(centre + reach + 0.5));
    const weights = Array.from({ length: last - first }, (_, step) =>
      Math.max(0, 1 - Math.abs((first + step - centre + 0.5) / reach)));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => Math.round((ONE * weight) / sum)) };
  });
}

/** RGB bytes, filtered along the rows: (height, width, 3) -> (height, size, 3). */
function filteredRows({ pixels, width, height }, extent, size) {
  const columns = triangles(width, extent, size);
  const out = new Uint8ClampedArray(3 * size * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (const { first, weights } of columns) {
      let red = ONE / 2, green = ONE / 2, blue = ONE / 2, at = 3 * (y * width + first);
      for (const weight of weights) {
        red += weight * pixels[at++];
        green += weight * pixels[at++];
        blue += weight * pixels[at++];
      }
      out[to++] = Math.floor(red / ONE);
      out[to++] = Math.floor(green / ONE);
      out[to++] = Math.floor(blue / ONE);
    }
  }
  return { pixels: out, width: size, height };
}

/** RGB bytes with rows and columns exchanged. */
function turned({ pixels, width, height }) {
  const out = new Uint8ClampedArray(pixels.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = 3 * (x * height + y);
      out[to] = pixels[at++];
      out[to + 1] = pixels[at++];
      out[to + 2] = pixels[at++];
    }
  }
  return { pixels: out, width: height, height: width };
}

/** A photo, RGBA bytes, as the network takes it: (3, size, size) floats in [0, 1]. */
function toInput(rgba, width, height, size) {
  const across = Math.trunc(width / size / GAP) || 1, down = Math.trunc(height / size / GAP) || 1;
  const small = reduced(rgba, width, height, across, down);
  const rows = turned(filteredRows(small, width / across, size));
  const { pixels } = turned(filteredRows(rows, height / down, size));
  const out = new Float32Array(3 * size * size);
  for (let at = 0, to = 0; to < size * size; to++) {
    for (let channel = 0; channel < 3; channel++) {
      out[channel * size * size + to] = pixels[at++] / 255;
    }
  }
  return out;
}

/** Part of a photo (RGBA bytes) of some width. */
function cropped(pixels, width, [left, top, right, bottom]) {
  const row = 4 * (right - left), out = new Uint8ClampedArray(row * (bottom - top));
  for (let y = top; y < bottom; y++) {
    const at = 4 * (y * width + left);
    out.set(pixels.subarray(at, at + row), (y - top) * row);
  }
  return out;
}
