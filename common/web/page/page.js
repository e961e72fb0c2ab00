/**
 * Puts the page together: the network in its worker, the session, and the click canvas, whose
 * script stands before this one and leaves `render`.
 */

const content = (id) => document.getElementById(id).textContent;

/** The worker, asked by name; an error there is an error here. */
function createPredictor(settings) {
  const waiting = new Map();
  let worker = null, loading = null, count = 0;

  function start() {
    // In a local file a worker comes from a blob: address, and a module from a data: one.
    const source = new Blob([content("predictor")], { type: "text/javascript" });
    worker = new Worker(URL.createObjectURL(source));
    worker.onmessage = ({ data: { id, part, answer, error } }) => {
      const asked = waiting.get(id);
      if (part) return asked.tell?.(asked.known = { ...asked.known, ...part });
      waiting.delete(id);
      if (error === undefined) asked.resolve(asked.known ? { ...asked.known, ...answer } : answer);
      else asked.reject(new Error(error));
    };
    worker.onerror = ({ message }) => {
      const failure = new Error(message || "this browser starts no worker in a local file");
      waiting.forEach(({ reject }) => reject(failure));
      waiting.clear();
    };
    return ask("load", {
      settings, wasm: content("wasm"), runtime: content("runtime"),
      files: Object.fromEntries(settings.graphs.map((name) => [name, content(name)])),
    });
  }

  /** The answer; `tell` gets what is known of it before. */
  function ask(task, given, tell) {
    return new Promise((resolve, reject) => {
      waiting.set(++count, { resolve, reject, tell });
      worker.postMessage({ id: count, task, ...given });
    });
  }

  return {
    ask,
    loaded: false,
    async load() {
      loading ??= start();
      await loading.catch((error) => {
        loading = null;
        worker.terminate();
        throw new Error(`the network does not start here (${error.message}); a browser of 2023 ` +
          "or later is needed");
      });
      this.loaded = true;
    },
  };
}

/** What the canvas takes for the kernel: requests are answered one after the other. */
function createKernel(settings, photos) {
  let hear = () => {}, last = Promise.resolve();
  const session = createSession({
    photos, model: settings.model, predictor: createPredictor(settings),
    say: (reply) => hear(reply),
  });
  return {
    on: (event, callback) => { if (event === "msg:custom") hear = callback; },
    send: (request) => { last = last.then(async () => hear(await session.handle(request))); },
  };
}

const el = document.getElementById("canvas");
const photos = JSON.parse(content("photos")).map(({ kind, block, ...photo }) =>
  ({ ...photo, url: `data:${kind};base64,${base64(bytesIn(content(block)))}` }));
const kernel = createKernel(JSON.parse(content("settings")), photos);
render({ model: kernel, el });
el.querySelector(".cc-note").textContent =
  `Photos of your own (${KINDS}) stay in this page: they are sent nowhere.`;
