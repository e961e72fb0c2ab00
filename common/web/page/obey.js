/**
 * The last steps of an answer, at the size of a frame that shows the photo: `clicks.obey` over again.
 * Logits are Float32Array, changed in place; clicks are [column, row, label] in pixels of the frame.
 */

/** Regions that no positive click lies in go, if there is one in any. */
function onlyClicked(logits, [width, height], clicks) {
  const { numbers, areas } = regionsOf(maskOf(logits), width, height);
  const kept = new Uint8Array(areas.length);
  for (const [x, y, label] of clicks) if (label === 1) kept[numbers[y * width + x]] = 1;
  kept[0] = 0; // beside them
  if (!kept.includes(1)) return;
  for (let at = 0; at < numbers.length; at++) if (numbers[at] && !kept[numbers[at]]) logits[at] = -logits[at];
}

/** Every click is obeyed, the newest where two share a pixel; `edge` is that of what was looked at. */
function obey(logits, [width, height], clicks, edge) {
  const { SURE, REACH } = about.obey;
  const newest = new Map(clicks.map(([x, y, label]) => [y * width + x, label === 1 ? 1 : -1]));
  const wanted = [...newest];
  if (wanted.every(([at, sign]) => logits[at] * sign > 0)) return;
  for (const [at, sign] of wanted) {
    const lack = SURE - sign * logits[at];
    if (lack > SURE) bump(logits, width, height, at, sign * lack, REACH * edge);
  }
  for (const [at, sign] of wanted) if (logits[at] * sign <= 0) logits[at] = sign * SURE;
}

/** Add a Gaussian. */
function bump(logits, width, height, at, top, reach) {
  const far = Math.trunc(3 * reach) + 1, column = at % width, row = Math.floor(at / width);
  const spread = Math.max(reach, 1e-6) ** 2;
  for (let y = Math.max(0, row - far); y <= Math.min(height - 1, row + far); y++) {
    for (let x = Math.max(0, column - far); x <= Math.min(width - 1, column + far); x++) {
      logits[y * width + x] += Math.fround(top * Math.exp(-((y - row) ** 2 + (x - column) ** 2) / spread));
    }
  }
}

/** Only what lies in an area is kept. */
function onlyInside(logits, [width, height], [left, top, right, bottom]) {
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (x < left || x >= right || y < top || y >= bottom) logits[at] = about.window.OUTSIDE;
    }
  }
}
