/**
 * The network, in a thread of its own (a worker): `ZoomPredictor` over again. What numbers follow from
 * numbers is in graphs that Python wrote; here is which of them is asked about what part of the photo.
 *
 * Points are (x, y) in pixels of the photo, labels 1 the pet and 0 not the pet; S is the edge of the
 * network's square, s that of its mask.
 */

const REMEMBERED = 5; // views whose features are kept, the whole photo's among them
let ort, graphs, about, photo = null, count = 0; // of the animals that were found

/** Bytes of a text that is gzip. */
async function unpacked(text) {
  const stream = new Blob([bytesIn(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The bytes again of which the even ones stand before the odd ones. */
function woven(bytes) {
  const out = new Uint8Array(bytes.length), half = Math.ceil(bytes.length / 2);
  for (let at = 0; at < bytes.length; at++) out[at] = bytes[at % 2 ? half + (at - 1) / 2 : at / 2];
  return out;
}

const tasks = {
  /** Start the runtime and the graphs. `settings` has size, fewest, steps and constants of Python's modules. */
  async load({ runtime, wasm, files, settings }) {
    about = { ...settings, ...settings.constants, grid: settings.size / 2 };
    const source = new TextDecoder().decode(await unpacked(runtime));
    ort = await import(`data:text/javascript,${encodeURIComponent(source)}`); // as in a local file it has to be
    Object.assign(ort.env.wasm, { wasmBinary: await unpacked(wasm), numThreads: 1 });
    ort.env.logLevel = "error"; // it warns of nodes that it leaves to be fast on the CPU
    graphs = {};
    for (const [name, file] of Object.entries(files)) {
      graphs[name] = await ort.InferenceSession.create(woven(await unpacked(file)));
    }
  },

  /** Look at a photo, RGBA bytes, whose masks are shown at the size of a frame. */
  async photo({ pixels, width, height, frame }) {
    const shape = [width, height];
    photo = { pixels, shape, frame, whole: [0, 0, ...shape], encoder: new Map(), classifier: new Map() };
    await seen("encoder", photo.whole);
  },

  /**
   * The animal under some clicks and in a box: logits (S²) of the photo, to be passed back as `previous`,
   * the mask as it is shown, what else `native` needs, cat's and dog's chances, and the score. All but
   * the chances is told as soon as it is known, of a first answer the first look as well.
   */
  async click(given, tell) {
    const start = performance.now(), answer = await answered(given, tell);
    tell(shownOf(answer));
    return { chances: await chancesOf(answer.native.values), ms: performance.now() - start };
  },

  /** The same mask (bytes) at another size, be it of a photo that is not looked at any more. */
  native: async ({ told: { found, asked }, frame }) => asBytes((await finished(found, asked, frame)).values),

  /** A step of the search for all animals: the numbers of those known now, and what is not yet told. */
  async find() {
    if (!photo.search) await seen("classifier", photo.whole); // for `glimpse`
    photo.search ??= search();
    const { value, done } = await photo.search.next(), fresh = [];
    for (const one of value ?? []) if (!one.number) fresh.push(Object.assign(one, { number: ++count }));
    return { fresh, done, found: value?.map(({ number }) => number) };
  },

  /** Logits (bytes) of a photo's size as means on the network's square, to be passed back. */
  coarse: ({ logits, width, height }) =>
    meansOf(logits, width, [0, 0, width, height], about.size).map((value) => value / 16),
};

/** What a graph makes of a view of the photo. */
async function seen(name, view) {
  const kept = photo[name], key = view.join();
  if (!kept.has(key)) {
    const { pixels, shape: [width], whole } = photo, [w, h] = sizeOf(view);
    const shown = isSame(view, whole) ? pixels : cropped(pixels, width, view);
    const image = tensor("float32", toInput(shown, w, h, about.size), [1, 3, about.size, about.size]);
    kept.set(key, await graphs[name].run({ image }));
    if (kept.size > REMEMBERED) kept.delete([...kept.keys()][1]); // the oldest but the whole photo's
  }
  return kept.get(key);
}

const tensor = (kind, values, shape) => new ort.Tensor(kind, values, shape);

/** What clicks give in a view: mask (s²), the same as a square (S²), score; `before` is of the whole photo. */
async function ask(view, points, labels, step = "look", before = null) {
  const { size } = about, places = onSquare(view, points, size).reverse(); // the newest first
  const count = points.length, most = Math.max(about.fewest, count); // a label of -1 is no click
  const coords = new Float32Array(2 * most), kinds = new Int32Array(most).fill(-1);
  places.forEach(({ place, isIn }, index) => {
    coords.set(place, 2 * index);
    if (isIn) kinds[index] = labels[count - 1 - index];
  });
  const [left, top] = view, where = [left, top, ...sizeOf(view), ...photo.shape];
  const { mask, square, quality } = await graphs.answer.run({
    points: tensor("float32", coords, [1, most, 2]), labels: tensor("int32", kinds, [1, most]),
    before: tensor("float32", before ?? new Float32Array(size * size), [1, 1, size, size]),
    place: tensor("float32", Float32Array.from(where), [6]),
    step: tensor("int32", Int32Array.of(about.steps.indexOf(step)), []), ...await seen("encoder", view),
  });
  return { view, mask: mask.data, square: square.data, score: quality.data[0] };
}

/** The answer in a view, its mean with that of the whole photo. */
const fromNear = async (view, far, points, labels) =>
  isSame(view, photo.whole) ? far : ask(view, points, labels, "near", far.square);

/** What the first look shows, before the second one and the rivals, which take longer. */
async function glimpse({ square }, points, labels) {
  const edge = 2 * about.size, values = await enlarged(square, about.size, edge, edge);
  const clicks = onSquare(photo.whole, points, edge).map(({ place: [x, y] }, index) =>
    [Math.round(x), Math.round(y), labels[index]]);
  onlyClicked(values, [edge, edge], clicks);
  obey(values, [edge, edge], clicks, edge);
  return { logits: square, mask: { values: asBytes(values), width: edge, height: edge },
           ...(photo.search && { chances: await namedIn(photo.whole, square) }) };
}

/** `first_answer`, without the second opinion of a network of portraits. */
async function firstAnswer(points, labels, tell) {
  const { whole, shape } = photo, { grid, size } = about;
  const far = await ask(whole, points, labels);
  if (tell) tell(await glimpse(far, points, labels));
  const view = windowRound(far.square, size, points, labels, shape) ?? whole;
  const near = await fromNear(view, far, points, labels);
  const places = onSquare(view, points, grid).map(({ place }) => place.map((at) => limited(at, 0, grid - 1)));
  const mine = await lessRivals(near.mask, grid, places, labels, async (place) => {
    const click = [inPhoto(view, place, grid)];
    return (await fromNear(view, await ask(whole, click, [1]), click, [1])).mask;
  });
  const isDoubtful = !points.length && !mine.some((logit) => logit >= about.first.SURE[0]);
  const mask = isDoubtful ? mine.map((logit) => Math.min(logit, -about.first.DOUBT)) : mine;
  return mask === near.mask ? near : { ...near, mask, square: await enlarged(mask, grid, size, size) };
}

/** What clicks (after a box's, if there is one) give: the answer in a view, and at the frame's size. */
async function answered({ points: own, labels: said, previous, box }, tell) {
  const { whole, shape, frame } = photo, asked = askedOf({ points: own, labels: said }, box, shape);
  const { points, labels, area } = asked;
  let view = area && (roundBox(box, shape) ?? whole), found;
  if (previous) {
    view ??= windowRound(previous, about.size, points, labels, shape) ?? whole;
    found = await ask(view, points, labels, points.length > 1 ? "later" : "again", previous);
  } else found = view ? await ask(view, points, labels) : await firstAnswer(points, labels, tell);
  return { found, asked, native: await finished(found, asked, frame) };
}

/** What the page is told of an answer, but for the chances. */
function shownOf({ found, asked, native: { values, logits } }) {
  const [width, height] = photo.frame;
  return { logits, mask: { values: asBytes(values), width, height }, told: { found, asked }, score: found.score };
}

/** All clicks, a box's first; the user's own; and an area beyond which nothing is kept: no click is there. */
function askedOf(own, box, shape) {
  if (!box) return { ...own, own, area: null, shape };
  const area = grown(box, shape), [left, top, right, bottom] = area;
  const isWithin = ([x, y], index) => own.labels[index] !== 1 || (x >= left && y >= top && x < right && y < bottom);
  return { ...unlessDenied(box, boxClicks(box, shape), own), own,
           area: own.points.every(isWithin) ? area : null, shape };
}

/** An answer at the size of a frame, Float32Array `values`, and as logits (S²), after the last steps. */
async function finished({ view, square }, { points, labels, own, area, shape }, frame) {
  const scaled = (edges) => edges.map((at, side) => roundEven(at * (frame[side % 2] / shape[side % 2])));
  const onFrame = (all) => all.points.map((point, index) => [...point.map((at, axis) =>
    limited(Math.floor((Math.floor(at) + 0.5) * (frame[axis] / shape[axis])), 0, frame[axis] - 1)), all.labels[index]]);
  const seen = scaled(view), clicks = onFrame({ points, labels });
  const values = await pasted(square, seen, frame);
  onlyClicked(values, frame, clicks);
  if (area) onlyInside(values, frame, scaled(area));
  obey(values, frame, clicks, longerOf(sizeOf(seen)));
  const logits = meansOf(values, frame[0], [0, 0, ...frame], about.size);
  if (area) {
    onlyInside(values, frame, scaled(area));
    obey(values, frame, onFrame(own), longerOf(sizeOf(scaled(area))));
  }
  return { values, logits };
}

/** A square's logits at another size. */
async function enlarged(square, edge, width, height) {
  const { part } = await graphs.part.run({ square: tensor("float32", square, [1, 1, edge, edge]),
    frame: tensor("uint8", new Uint8Array(width * height), [height, width]) });
  return part.data;
}

/** A square in its place in a frame. */
async function pasted(square, [left, top, right, bottom], frame) {
  const width = right - left, height = bottom - top;
  const part = await enlarged(square, about.size, width, height);
  if (width === frame[0] && height === frame[1]) return part;
  const out = new Float32Array(frame[0] * frame[1]).fill(about.window.OUTSIDE);
  for (let y = 0; y < height; y++) {
    out.set(part.subarray(y * width, (y + 1) * width), (top + y) * frame[0] + left);
  }
  return out;
}

/** Chances of cat and dog, of the animal in a mask as it is shown: of a part of the photo round it. */
async function chancesOf(values) {
  const { frame, shape, whole } = photo, { size, zoom } = about, bounds = boundsOf(maskOf(values), ...frame);
  const toPhoto = (at, side) => (at / frame[side % 2]) * shape[side % 2];
  const [x0, y0, x1, y1] = bounds?.map(toPhoto) ?? whole;
  const view = (bounds && framed([x0, y0], [x1, y1], shape, zoom.ROUND, zoom.LEAST)) ?? whole;
  const onFrame = view.map((at, side) => roundEven((at / shape[side % 2]) * frame[side % 2]));
  return namedIn(view, meansOf(values, frame[0], onFrame, size));
}

/** The same of logits (S²) in a view. */
async function namedIn(view, square) {
  const mask = tensor("float32", square, [1, 1, about.size, about.size]);
  const { chances } = await graphs.namer.run({ mask, ...await seen("classifier", view) });
  return Array.from(chances.data);
}

/** Logits as bytes, in steps of 1 / 16. */
function asBytes(values) {
  const out = new Int8Array(values.length);
  for (let at = 0; at < out.length; at++) {
    const steps = 16 * values[at], byte = Math.floor(steps + 0.5);
    out[at] = steps > 0 ? (steps < 1 ? 1 : steps > 127 ? 127 : byte) : steps < -128 ? -128 : byte;
  }
  return out;
}

self.onmessage = async ({ data: { id, task, ...given } }) => {
  try {
    self.postMessage({ id, answer: await tasks[task](given, (part) => self.postMessage({ id, part })) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};
