/**
 * One person's clicks on one photo: what `ClickSession` is in Python. It takes the same requests
 * and gives the same replies, so that the click canvas does not know the difference.
 *
 * Points are (x, y) in pixels of the photo.
 */

const UPLOAD = "Your photo", HINT = "Click on the pet.";
const MOST_CLICKS = 50, MOST_BYTES = 20e6;

/**
 * `photos` have name, credit, url (of a data: kind), width and height; `predictor` is the worker;
 * `say` passes on what is to be seen while a request is still being worked at.
 */
function createSession({ photos, model, predictor, say }) {
  const gallery = new Map(photos.map((photo) => [photo.name, photo]));
  let photo = photos[0], seen = null; // `seen`: the photo that the network knows
  let states = [[]], now = 0, version = 0, pieces = [];

  const clicks = () => states[now];

  function become(made) {
    states = [...states.slice(0, now + 1), made];
    now += 1;
  }

  function begin(other) {
    [photo, states, now] = [other, [[]], 0];
  }

  /** The predictor, once it has seen the photo. */
  async function ready() {
    if (seen === photo) return;
    seen = null;
    if (!predictor.loaded) say(envelope({}, "info", { status: "Starting the network …" }));
    await predictor.load();
    const file = photo.blob ?? toBlob([photo.url.split(",")[1]]);
    await predictor.ask("photo", await readPhoto(file));
    seen = photo;
  }

  const likelier = ({ chances: [cat, dog] }) => cat > dog ? ["cat", cat] : ["dog", dog];
  const shown = () => (({ name, credit, url, width, height }) =>
    ({ name, credit, url, width, height }))(photo);
  const thumbs = () => [...gallery.values()].map(({ name, url }) => ({ name, url }));

  const does = {
    open: () => ({
      models: [model], photos: thumbs(), show: shown(),
      limits: { bytes: MOST_BYTES, text: `JPEG, PNG or WebP, up to ${MOST_BYTES / 1e6} MB` },
    }),

    async prepare() {
      const start = performance.now();
      await ready();
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      return clicks().length ? {} : { status: `Ready after ${seconds} s. ${HINT}` };
    },

    async click({ x, y, positive }) {
      if (clicks().length >= MOST_CLICKS) {
        throw new Error(`more than ${MOST_CLICKS} clicks are of no use; undo some, or clear`);
      }
      await ready();
      const made = [...clicks(), { x, y, positive }], [width, height] = shownSize(photo);
      const { mask, ...answer } = await predictor.ask("click", {
        points: made.map((click) => [Math.floor(click.x), Math.floor(click.y)]),
        labels: made.map((click) => click.positive),
        previous: clicks().at(-1)?.logits, width, height,
      });
      become([...clicks(), { x, y, positive, ...answer, url: maskUrl(mask, width, height) }]);
    },

    undo() { now = Math.max(0, now - 1); },
    redo() { now = Math.min(states.length - 1, now + 1); },
    clear() { if (clicks().length) become([]); },
    photo({ name }) { begin(gallery.get(name)); return { show: shown() }; },

    async upload({ part, parts, data }) {
      pieces = part ? [...pieces, data] : [data];
      if (part < parts - 1) return { status: "Reading the photo …" };
      const blob = toBlob(pieces);
      pieces = [];
      const image = await readPhoto(blob), { width, height } = image;
      const own = { name: UPLOAD, credit: "", url: await photoUrl(image), width, height, blob };
      gallery.set(UPLOAD, own);
      begin(own);
      return { photos: thumbs(), show: shown() };
    },

    async download() {
      const { width, height, name } = photo, { logits } = clicks().at(-1);
      const mask = await predictor.ask("mask", { logits, width, height });
      const stem = name.toLowerCase().replace(/[^\p{L}\p{N}_]+/gu, "_");
      return { file: { name: `mask_${stem}.png`, url: maskUrl(mask, width, height) } };
    },
  };

  /** A reply: to whom, the state, and what there is beyond it. */
  function envelope({ seq = -1, view = "" }, kind, more) {
    const count = clicks().length, last = clicks().at(-1);
    return {
      seq, view, version: ++version, kind,
      status: count ? `${count} click${count > 1 ? "s" : ""}.` : HINT,
      photo: photo.name, model, mask: last?.url ?? null,
      clicks: clicks().map(({ x, y, positive }) => ({ x, y, positive })),
      score: last?.score ?? null, ms: last?.ms ?? null, iou: null, species: last ? likelier(last) : null,
      can_undo: now > 0, can_redo: now < states.length - 1, can_robot: false, ...more,
    };
  }

  return {
    /** Do what is asked, and say what is to be seen now; never throws. */
    async handle(request) {
      try {
        return envelope(request, "info", await does[request.do](request));
      } catch (error) {
        return envelope(request, "error", { status: error.message });
      }
    },
  };
}
