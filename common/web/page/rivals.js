/** What of a mask is another animal's: `clicks.rivals` over again, on the grid of the network's mask. */

/** Logits without what another animal has the better claim to; `ask` answers one click. */
async function lessRivals(logits, edge, places, labels, ask) {
  const wanted = places.filter((_, index) => labels[index] === 1);
  if (!wanted.length) return logits;
  const clicks = places.map(([x, y], index) => [Math.floor(x), Math.floor(y), labels[index]]);
  const mask = logits.slice();
  onlyClicked(mask, [edge, edge], clicks);
  let mine = logits;
  for (const place of farPlaces(mask, edge, wanted)) {
    const theirs = await ask(place);
    const isTheirs = wanted.every(([x, y]) => theirs[Math.floor(y) * edge + Math.floor(x)] < about.rivals.DOUBT);
    if (isTheirs) mine = mine.map((value, at) => Math.min(value, logits[at] - theirs[at]));
  }
  return mine;
}

/** Places deep in a mask, far from some points and from one another. */
function farPlaces(mask, edge, points) {
  const { MOST, DEEP, LEAST } = about.rivals, depth = depthOf(maskOf(mask), edge, edge);
  const deepest = depth.reduce((a, b) => Math.max(a, b), 0), places = [];
  if (!deepest) return places;
  const size = Math.sqrt(mask.reduce((count, value) => count + (value > 0), 0));
  const far = new Float64Array(mask.length).fill(Infinity);
  const leave = ([x, y]) => far.forEach((value, at) => {
    far[at] = Math.min(value, Math.hypot(Math.floor(at / edge) - y, (at % edge) - x) / size);
  });
  points.forEach(leave);
  for (let count = 0; count < MOST; count++) {
    let best = -1, most = -1;
    depth.forEach((value, at) => {
      const share = value / deepest, merit = share >= DEEP ? Math.min(far[at], 1) * Math.min(share, 0.6) : 0;
      if (merit > most) [most, best] = [merit, at];
    });
    if (most <= LEAST) break;
    places.push([best % edge, Math.floor(best / edge)]);
    leave(places.at(-1));
  }
  return places;
}
