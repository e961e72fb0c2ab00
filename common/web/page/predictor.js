/**
 * The network, in a thread of its own (a worker): `PromptedPredictor` over again. A photo is
 * encoded once, each click decoded; what an earlier click gave is passed back in.
 *
 * Points are (x, y) in pixels of the photo, labels 1 the pet and 0 not the pet.
 */

const WHITE = 0xffffffff, BLACK = 0xff000000; // alpha is the last byte
let ort, encoder, decoder, about, photo = null;

/** Bytes of a text that is gzip in base64. */
async function unpacked(text) {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
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
   * The pet under some clicks: its mask in a size to be shown, and coarse logits (grid²), to be
   * passed back as `previous`, and cat's and dog's probability.
   */
  async click({ points, labels, previous, width, height }) {
    const start = performance.now();
    const shape = [1, 3 + 2 * about.proximity.length, about.grid, about.grid];
    const prompt = new ort.Tensor("float32", promptMaps(points, labels, previous), shape);
    const found = await decoder.run({ prompt, ...photo.levels });
    const logits = found.mask.data.slice();
    if (previous && points.length > 1) settle(logits, previous, points.at(-1));
    const mask = await tasks.mask({ logits, width, height });
    const [score, chances] = [found.quality.data[0], Array.from(found.species.data)];
    return { logits, mask, score, chances, ms: performance.now() - start };
  },

  /** Coarse logits as a mask of some size: RGBA bytes, white on black. */
  async mask({ logits, width, height }) {
    const square = enlarged(logits, about.grid, about.grid, about.size, about.size);
    const full = enlarged(square, about.size, about.size, width, height);
    const pixels = new Uint32Array(full.length);
    for (let at = 0; at < full.length; at++) pixels[at] = full[at] > 0 ? WHITE : BLACK;
    return new Uint8ClampedArray(pixels.buffer);
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
