/** Every animal of the photo without a click: `clicks.everything` over again, a place at a time. */

/** Gives, after each place that was asked, the animals known so far, the surest first. */
async function* search() {
  const { MAYBE, MOST, NEAR, SMALLEST, LEAST, KNOWN, SURE } = about.everything, { frame } = photo;
  const unasked = (await answered({ points: [], labels: [] })).native.values;
  const grid = strided(frame, about.everything.LONGEST), left = grid.of(unasked, MAYBE);
  let first = [];
  while (first.length < MOST) {
    const deepest = grid.deepest(left), [column, row] = deepest.place;
    if (deepest.depth ** 2 < (SMALLEST * left.length) / Math.PI) break; // no disc of that size
    const one = await judged([deepest.place], grid, unasked);
    const mask = grid.of(one.mask.values, 0), area = mask.reduce((sum, value) => sum + value, 0);
    const reach = NEAR * Math.sqrt(area / Math.PI);
    left.forEach((_, at) => {
      const far = Math.hypot((at % grid.width) - column, Math.floor(at / grid.width) - row);
      const isIn = (radius) => far <= Math.max(radius, 1);
      if (isIn(deepest.depth / 2) || (mask[at] && isIn(reach))) left[at] = 0; // nothing twice
    });
    first.push(one);
    yield different(first, SURE);
  }
  first = different(first, LEAST);
  const again = [], middles = first.map(({ mask }) => grid.deepest(grid.of(mask.values, 0)).place);
  for (const [number, middle] of middles.entries()) {
    const others = middles.filter((_, index) => index !== number && first[index].score >= KNOWN);
    again.push(await judged([...others, middle], grid, unasked));
    yield different([...again, ...first.slice(number + 1)], SURE);
  }

  /** The surest of those that show one animal. */
  function different(answers, sure) {
    const kept = [];
    for (const answer of [...answers].sort((a, b) => b.score - a.score)) {
      const isSmall = answer.area < SMALLEST * answer.mask.values.length;
      if (answer.score >= sure && !isSmall && !kept.some((one) => isOne(one, answer))) kept.push(answer);
    }
    return kept;
  }
}

/** Every so many pixels of a frame, so that there are at most so many along its longer edge. */
function strided(frame, longest) {
  const step = Math.ceil(longerOf(frame) / longest), [width, height] = frame.map((edge) => Math.ceil(edge / step));
  return {
    step, width, height,
    /** Where values of the frame are above one. */
    of(values, least) {
      const mask = new Uint8Array(width * height);
      for (let y = 0, to = 0; y < height; y++) {
        for (let x = 0, at = step * y * frame[0]; x < width; x++, at += step) mask[to++] = values[at] > least ? 1 : 0;
      }
      return mask;
    },
    deepest(mask) {
      const depth = depthOf(mask, width, height);
      const best = depth.reduce((most, value, index) => value > depth[most] ? index : most, 0);
      return { place: [best % width, Math.floor(best / width)], depth: depth[best] };
    },
  };
}

/** Whether two masks show one animal. */
function isOne(one, other) {
  const [mine, others] = [one, other].map(({ mask }) => mask.values);
  let both = 0;
  for (let at = 0; at < mine.length; at++) both += mine[at] > 0 && others[at] > 0;
  return both > about.everything.SAME * Math.min(one.area, other.area);
}

/** The animal under the last click, the others are not it; sure where the mask is, with a click and without. */
async function judged(places, { step }, unasked) {
  const points = places.map((place) => place.map((at, axis) =>
    Math.floor((step * at + 0.5) * (photo.shape[axis] / photo.frame[axis]))));
  const labels = points.map((_, index) => Number(index === points.length - 1));
  const answer = await answered({ points, labels }), { values } = answer.native;
  const chance = (logit) => 1 / (1 + Math.exp(-limited(logit, -20, 20)));
  let area = 0, inside = 0, seen = 0, high = 0, low = 0;
  values.forEach((value, at) => {
    high += value > 1;
    low += value > -1;
    if (value <= 0) return;
    area += 1;
    inside += chance(value);
    seen += chance(unasked[at]);
  });
  const mean = (sum) => area ? sum / area : 0;
  const score = answer.found.score * mean(inside) * Math.sqrt((mean(seen) * high) / Math.max(1, low));
  return { ...shownOf(answer), chances: await chancesOf(values), score, area };
}
