/**
 * Where to look again, and where a click lies in a view: `clicks.window` and `clicks.boxes` over
 * again, with their constants (`about`). A view is [left, top, right, bottom], a shape [width, height].
 */

const isSame = (one, other) => one.every((edge, side) => edge === other[side]);
const sizeOf = ([left, top, right, bottom]) => [right - left, bottom - top];
const longerOf = (size) => Math.max(...size);
const limited = (value, low, high) => Math.min(high, Math.max(low, value));

/** The nearest whole number, the even one of two, as in Python. */
function roundEven(value) {
  const whole = Math.round(value);
  return Math.abs(value % 1) === 0.5 && whole % 2 ? whole - 1 : whole;
}

/** Points in pixels of a square that shows a view, and whether each lies in it. */
function onSquare(view, points, edge) {
  const size = sizeOf(view);
  return points.map((point) => {
    const within = point.map((at, axis) => (Math.floor(at) - view[axis] + 0.5) / size[axis]);
    return { place: within.map((share) => Math.fround(share * edge - 0.5)),
             isIn: within.every((share) => share > 0 && share < 1) };
  });
}

/** A point of such a square in the photo. */
function inPhoto(view, place, edge) {
  const size = sizeOf(view);
  return place.map((at, axis) => Math.floor(view[axis] + ((at + 0.5) / edge) * size[axis]));
}

/** A window round the clicks and the mask (logits of the whole photo); null where it is all of it. */
function windowRound(logits, edge, points, labels, shape) {
  const wanted = points.filter((_, index) => labels[index] === 1).map((point) => point.map(Math.floor));
  if (!wanted.length) return null;
  const along = (axis) => wanted.map((point) => point[axis]), box = clickedBox(logits, edge, wanted, shape);
  const low = [0, 1].map((axis) => Math.min(...along(axis), box?.[axis] ?? Infinity));
  const high = [0, 1].map((axis) => Math.max(...along(axis).map((at) => at + 1), box?.[axis + 2] ?? -Infinity));
  return framed(low, high, shape, about.window.MARGIN, about.window.NARROWEST);
}

function framed(low, high, shape, margin, narrowest) {
  const { SIZES, STEPS, WIDEST } = about.window, longer = longerOf(shape);
  let edge = Math.max(margin * Math.max(high[0] - low[0], high[1] - low[1]), narrowest * longer);
  edge = longer * 2 ** (Math.ceil(SIZES * Math.log2(edge / longer)) / SIZES);
  if (edge >= WIDEST * longer) return null;
  const step = edge / STEPS, size = shape.map((limit) => Math.min(edge, limit));
  const corner = shape.map((limit, axis) => {
    const middle = roundEven((low[axis] + high[axis]) / 2 / step) * step;
    return roundEven(limited(middle - size[axis] / 2, 0, limit - size[axis]));
  });
  const end = shape.map((limit, axis) => Math.min(corner[axis] + Math.max(1, roundEven(size[axis])), limit));
  return [...corner, ...end];
}

function clickedBox(logits, edge, wanted, shape) {
  const { numbers, areas } = regionsOf(maskOf(logits), edge, edge);
  const cell = (point, axis) => Math.trunc(Math.min((point[axis] + 0.5) * (edge / shape[axis]), edge - 1));
  const clicked = new Set(wanted.map((point) => numbers[cell(point, 1) * edge + cell(point, 0)]).filter(Boolean));
  if (!clicked.size) return null;
  const area = [...clicked].reduce((sum, number) => sum + areas[number], 0);
  const counts = areas.map((count, number) => clicked.has(number) || count > about.window.KEPT * area);
  const bounds = boundsOf(numbers.map((number) => number && counts[number]), edge, edge);
  return bounds.map((at, side) => at / (edge / shape[side % 2]));
}

/** The box, larger by a share of its sides all round. */
function grown([x0, y0, x1, y1], [width, height]) {
  const across = about.boxes.GROWN * (x1 - x0), down = about.boxes.GROWN * (y1 - y0);
  return [Math.max(0, Math.floor(x0 - across)), Math.max(0, Math.floor(y0 - down)),
          Math.min(width, Math.ceil(x1 + across)), Math.min(height, Math.ceil(y1 + down))];
}

/** A view round a box; null where it is the whole photo. */
const roundBox = (box, shape) =>
  framed(box.slice(0, 2), box.slice(2), shape, about.boxes.MARGIN, about.boxes.NARROWEST);

/** Clicks that a box stands for, beside it and in it. */
function boxClicks([x0, y0, x1, y1], shape) {
  const isInside = ([x, y]) => x >= x0 && x < x1 && y >= y0 && y < y1;
  const at = ([across, down]) => [x0 + across * (x1 - x0), y0 + down * (y1 - y0)];
  const beside = about.boxes.BESIDE.map(at).map((point) =>
    point.map((value, axis) => limited(value, 0, shape[axis] - 1))).filter((point) => !isInside(point));
  const within = about.boxes.WITHIN.map(at);
  return { points: [...beside, ...within], labels: [...beside.map(() => 0), ...within.map(() => 1)] };
}

/** A box's clicks and the user's, without those of which a near one says otherwise. */
function unlessDenied([x0, y0, x1, y1], hints, { points, labels }) {
  const reach = about.boxes.DENIED * Math.max(x1 - x0, y1 - y0);
  const kept = hints.points.map(([x, y], hint) => !points.some(([a, b], index) =>
    Math.hypot(a - x, b - y) < reach && labels[index] !== hints.labels[hint]));
  return { points: [...hints.points.filter((_, at) => kept[at]), ...points],
           labels: [...hints.labels.filter((_, at) => kept[at]), ...labels] };
}
