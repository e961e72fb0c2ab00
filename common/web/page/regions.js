/**
 * Masks (Uint8Array, row by row) as regions: which pixels touch, how deep each lies; and means of what
 * is shown larger. Plain loops, as there are a million pixels in a mask and a fifth of a second.
 */

/** Where values are above 0. */
function maskOf(values) {
  const mask = new Uint8Array(values.length);
  for (let at = 0; at < mask.length; at++) mask[at] = values[at] > 0 ? 1 : 0;
  return mask;
}

/** Regions of pixels that touch, be it at a corner: each pixel's number, 0 outside, and their areas. */
function regionsOf(mask, width, height) {
  const starts = [], ends = [], parents = []; // of runs of pixels in a row
  const root = (run) => {
    while (parents[run] !== run) run = parents[run] = parents[parents[run]];
    return run;
  };
  for (let y = 0, above = 0; y < height; y++) {
    const first = starts.length, row = y * width;
    for (let x = 0, over = above; x < width; x++) {
      if (!mask[row + x]) continue;
      const start = x, run = parents.push(parents.length) - 1;
      while (x < width && mask[row + x]) x++;
      starts.push(row + start);
      ends.push(row + x);
      while (over < first && ends[over] + width < row + start) over++;
      for (let other = over; other < first && starts[other] + width <= row + x; other++) {
        parents[root(run)] = root(other);
      }
    }
    above = first;
  }
  const numbers = new Int32Array(width * height), areas = [0], known = new Map();
  starts.forEach((start, run) => {
    const top = root(run);
    if (!known.has(top)) known.set(top, areas.push(0) - 1);
    const number = known.get(top);
    areas[number] += ends[run] - start;
    numbers.fill(number, start, ends[run]);
  });
  return { numbers, areas };
}

/** Left, top, right and bottom of a mask, the last two beyond it; null if it is empty. */
function boundsOf(mask, width, height) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!mask[at]) continue;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  }
  return right ? [left, top, right, bottom] : null;
}

/** Distance of each pixel of a mask to the nearest outside it, where all beyond the edge is too. */
function depthOf(mask, width, height) {
  const [w, h] = [width + 2, height + 2], far = new Float64Array(w * h);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) if (mask[at]) far[(y + 1) * w + x + 1] = Infinity;
  }
  const line = new Float64Array(Math.max(w, h));
  for (let x = 0; x < w; x++) lowest(far, x, w, h, line);
  for (let y = 0; y < h; y++) lowest(far, y * w, 1, w, line);
  const depth = new Float64Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) depth[at] = Math.sqrt(far[(y + 1) * w + x + 1]);
  }
  return depth;
}

/** Lower envelope of parabolas on a line, in place (Felzenszwalb and Huttenlocher 2012). */
function lowest(values, start, step, count, line) {
  const tops = [], from = [];
  for (let at = 0; at < count; at++) {
    const value = line[at] = values[start + at * step];
    if (value === Infinity) continue;
    let meets = -Infinity;
    while (tops.length) {
      const top = tops.at(-1);
      meets = (value + at * at - line[top] - top * top) / (2 * (at - top));
      if (meets > from.at(-1)) break;
      tops.pop();
      from.pop();
      meets = -Infinity;
    }
    tops.push(at);
    from.push(meets);
  }
  for (let at = 0, which = 0; at < count && tops.length; at++) {
    while (which + 1 < tops.length && from[which + 1] < at) which++;
    values[start + at * step] = (at - tops[which]) ** 2 + line[tops[which]];
  }
}

/** Means of part of an array on a grid, as PyTorch's area mode has them: (edge, edge). */
function meansOf(values, width, [left, top, right, bottom], edge) {
  const cells = (size) => Array.from({ length: edge }, (_, at) =>
    [Math.floor((at * size) / edge), Math.ceil(((at + 1) * size) / edge)]);
  const columns = cells(right - left), sums = new Float64Array(right - left);
  const out = new Float32Array(edge * edge);
  let to = 0;
  for (const [first, last] of cells(bottom - top)) {
    sums.fill(0);
    for (let row = top + first; row < top + last; row++) {
      for (let x = 0, at = row * width + left; x < sums.length; x++) sums[x] += values[at++];
    }
    for (const [start, end] of columns) {
      let sum = 0;
      for (let x = start; x < end; x++) sum += sums[x];
      out[to++] = sum / ((last - first) * (end - start));
    }
  }
  return out;
}
