/**
 * The network, in a thread of its own (a worker): `PromptedPredictor` and `boxes` over again. A photo is
 * encoded once, each click decoded; what an earlier click gave is passed back in.
 *
 * Points are (x, y) in pixels of the photo, labels 1 the pet and 0 not the pet.
 */

const SMALLEST = 0.003; // of the photo: a smaller region is no animal; as in `everything`
const GROWN = 0.03, DENIED = 0.1; // as in `boxes`, with the places where a box is clicked on
const WITHIN = [[1 / 2, 1 / 2], [1 / 2, 1 / 3], [1 / 2, 2 / 3], [1 / 3, 1 / 2], [2 / 3, 1 / 2]];
const BESIDE = [[-0.06, -0.06], [1.06, -0.06], [-0.06, 1.06], [1.06, 1.06]];
let ort, encoder, decoder, about, photo = null;

const ESCAPE = "=".charCodeAt(0);
const BYTES = new Map(Array.from( // of letters that windows-1252 has elsewhere than Unicode
  new TextDecoder("windows-1252").decode(Uint8Array.from({ length: 256 }, (_, byte) => byte)),
  (letter, byte) => [letter.charCodeAt(0), byte]));

/** The bytes that a text in windows-1252 stands for; page.py's `packed` wrote it. */
function bytesIn(text) {
  const out = new Uint8Array(text.length);
  let to = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === ESCAPE) out[to++] = text.charCodeAt(++at) - 64;
    else out[to++] = code < 128 ? code : BYTES.get(code);
  }
  return out.subarray(0, to);
}

/** Bytes of a text that is gzip. */
async function unpacked(text) {
  const stream = new Blob([bytesIn(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const tasks = {
  /** Start the runtime and both graphs. `settings` has size, grid, radius, proximity, reach and far. */
  async load({ runtime, wasm, graphs, settings }) {
    about = settings;
    ort = await import(runtime);
    Object.assign(ort.env.wasm, { wasmBinary: await unpacked(wasm), numThreads: 1 });
    ort.env.logLevel = "error"; // it warns of nodes that it leaves to be fast on the CPU
    encoder = await ort.InferenceSession.create(await unpacked(graphs.encoder));
    decoder = await ort.InferenceSession.create(await unpacked(graphs.decoder));
  },

  /** Look at a photo, RGBA bytes. */
  async photo({ pixels, width, height }) {
    const square = toInput(pixels, width, height, about.size);
    const image = new ort.Tensor("float32", square, [1, 3, about.size, about.size]);
    photo = { levels: await encoder.run({ image }), width, height };
  },

  /**
   * The pet under some clicks and in a box, coarse: logits (grid²), to be passed back as `previous`,
   * cat's and dog's probability, and the box beyond which nothing is kept, if there is one.
   */
  async click({ points, labels, previous, box }) {
    const start = performance.now();
    const asked = box ? unlessDenied(box, boxClicks(box, photo), { points, labels }) : { points, labels };
    const shape = [1, 3 + 2 * about.proximity.length, about.grid, about.grid];
    const prompt = new ort.Tensor("float32", promptMaps(asked.points, asked.labels, previous), shape);
    const found = await decoder.run({ prompt, ...photo.levels });
    const logits = found.mask.data.slice();
    if (previous && asked.points.length > 1) settle(logits, previous, asked.points.at(-1));
    const area = box && grown(box, photo), within = ([x, y], index) => !labels[index] ||
      (x >= area[0] && y >= area[1] && x < area[2] && y < area[3]);
    const limits = box && points.every(within) ? area : null; // a click beyond it: it says nothing
    const [score, chances] = [found.quality.data[0], Array.from(found.species.data)];
    return { logits, limits, score, chances, ms: performance.now() - start };
  },

  /** Coarse logits as those (bytes, in steps of 1 / 16) of a photo of some size; `edges` are its own. */
  async native({ logits, limits, width, height, edges }) {
    const square = enlarged(logits, about.grid, about.grid, about.size, about.size);
    const full = enlarged(square, about.size, about.size, width, height);
    const out = Int8Array.from(full, (value) => {
      const byte = Math.max(-128, Math.min(127, Math.round(16 * value)));
      return value > 0 ? Math.max(1, byte) : Math.min(0, byte);
    });
    if (!limits) return out;
    const [left, top, right, bottom] = limits.map((at, side) => (at * [width, height][side % 2]) / edges[side % 2]);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        if (x + 0.5 < left || x + 0.5 >= right || y + 0.5 < top || y + 0.5 >= bottom) out[at] = -128;
      }
    }
    return out;
  },

  /** Logits (bytes) of a photo's size as means on the network's grid, to be passed back. */
  async coarse({ logits, width, height }) {
    const { grid } = about, sums = new Float32Array(grid * grid), counts = new Uint32Array(grid * grid);
    for (let y = 0, at = 0; y < height; y++) {
      const row = Math.floor((y * grid) / height) * grid;
      for (let x = 0; x < width; x++, at++) {
        const cell = row + Math.floor((x * grid) / width);
        sums[cell] += logits[at] / 16;
        counts[cell] += 1;
      }
    }
    return sums.map((sum, cell) => counts[cell] ? sum / counts[cell] : -8);
  },

  /** What the network takes for animals before any click: coarse logits of each that stands apart. */
  async find() {
    const { logits, chances, score } = await tasks.click({ points: [], labels: [] });
    return parts(logits).map((each) => ({ logits: each, chances, score }));
  },
};

/** Logits that follow the newest click near it, and far from it go part of the way; as in Python. */
function settle(logits, before, [x, y]) {
  const { grid, reach, far } = about;
  for (let row = 0, at = 0; row < grid; row++) {
    for (let column = 0; column < grid; column++, at++) {
      const across = (column + 0.5) / grid - (x + 0.5) / photo.width;
      const down = (row + 0.5) / grid - (y + 0.5) / photo.height;
      const share = far + (1 - far) * Math.exp(-(across ** 2 + down ** 2) / reach ** 2);
      logits[at] = before[at] + share * (logits[at] - before[at]);
    }
  }
}

/** Copies of logits in each of which one region alone, touching at a corner too, is above 0. */
function parts(logits) {
  const { grid } = about, numbers = new Int32Array(logits.length), sizes = [0];
  for (let start = 0; start < logits.length; start++) {
    if (logits[start] <= 0 || numbers[start]) continue;
    const number = sizes.push(0) - 1, waiting = [start];
    while (waiting.length) {
      const at = waiting.pop(), x = at % grid;
      if (logits[at] <= 0 || numbers[at]) continue;
      numbers[at] = number;
      sizes[number] += 1;
      for (const down of [-grid, 0, grid]) {
        for (const across of [-1, 0, 1]) {
          if (x + across >= 0 && x + across < grid && logits[at + down + across] > 0) waiting.push(at + down + across);
        }
      }
    }
  }
  const large = sizes.flatMap((size, number) => size >= SMALLEST * logits.length ? [number] : []);
  return large.map((number) => logits.map((value, at) => numbers[at] === number ? value : -Math.abs(value)));
}

/** The box in pixels of the photo, larger by a share of its sides all round: `boxes.grown`. */
function grown([x0, y0, x1, y1], { width, height }) {
  const across = GROWN * (x1 - x0), down = GROWN * (y1 - y0);
  return [Math.max(0, Math.floor(x0 - across)), Math.max(0, Math.floor(y0 - down)),
          Math.min(width, Math.ceil(x1 + across)), Math.min(height, Math.ceil(y1 + down))];
}

/** Clicks that a box stands for, beside it and in it: `boxes.box_clicks`. */
function boxClicks([x0, y0, x1, y1], { width, height }) {
  const inside = ([x, y]) => x >= x0 && x < x1 && y >= y0 && y < y1;
  const at = ([across, down]) => [x0 + across * (x1 - x0), y0 + down * (y1 - y0)];
  const beside = BESIDE.map(at).map(([x, y]) =>
    [Math.max(0, Math.min(width - 1, x)), Math.max(0, Math.min(height - 1, y))]).filter((point) => !inside(point));
  const within = WITHIN.map(at);
  return { points: [...beside, ...within].map((point) => point.map(Math.floor)),
           labels: [...beside.map(() => false), ...within.map(() => true)] };
}

/** A box's clicks and the user's, without those of which a near one says otherwise. */
function unlessDenied([x0, y0, x1, y1], hints, { points, labels }) {
  const reach = DENIED * Math.max(x1 - x0, y1 - y0);
  const kept = hints.points.map(([x, y], hint) => !points.some(([a, b], index) =>
    Math.hypot(a - x, b - y) < reach && Boolean(labels[index]) !== hints.labels[hint]));
  return { points: [...hints.points.filter((_, at) => kept[at]), ...points],
           labels: [...hints.labels.filter((_, at) => kept[at]), ...labels] };
}

/**
 * Disks of the pet's clicks, disks of the others, the mask before, and how near the clicks are at
 * each range, the pet's then the others': (3 + 2 ranges, grid, grid).
 */
function promptMaps(points, labels, previous) {
  const { grid, radius, proximity, size } = about, area = grid * grid;
  const maps = new Float32Array((3 + 2 * proximity.length) * area);
  const onGrid = (value, edge) => (((value + 0.5) * size) / edge - 0.5 - 0.5) * grid / size;
  points.forEach(([px, py], index) => {
    const x = Math.fround(onGrid(px, photo.width)), y = Math.fround(onGrid(py, photo.height));
    for (let row = 0; row < grid; row++) {
      for (let column = 0; column < grid; column++) {
        const squared = (column - x) ** 2 + (row - y) ** 2, at = row * grid + column;
        if (squared <= radius ** 2) maps[(labels[index] ? 0 : area) + at] = 1;
        proximity.forEach((share, range) => {
          const map = 3 + (labels[index] ? 0 : proximity.length) + range;
          const near = Math.exp(-Math.sqrt(squared) / (share * grid));
          maps[map * area + at] = Math.max(maps[map * area + at], near);
        });
      }
    }
  });
  previous?.forEach((logit, at) => { maps[2 * area + at] = 1 / (1 + Math.exp(-logit)); });
  return maps;
}

self.onmessage = async ({ data: { id, task, ...given } }) => {
  try {
    self.postMessage({ id, answer: await tasks[task](given) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};
