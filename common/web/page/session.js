/**
 * One person's clicks: what `ClickSession` is in Python. It takes the same requests and gives the
 * same replies, so that the click canvas does not know the difference.
 *
 * Points are (x, y) in pixels of the photo.
 */

const HINT = "Click on the pet.", MOST_CLICKS = 50, MOST_BYTES = 20e6;
const KINDS = "JPEG, PNG, WebP, AVIF, GIF or BMP";

/**
 * `photos` have name, credit, url (of a data: kind), width and height; `predictor` is the worker;
 * `say` passes on what is to be seen while a request is still being worked at.
 */
function createSession({ photos, model, predictor, say }) {
  const album = createAlbum(photos), herds = new Map(); // by photo: its animals
  let seen = null, version = 0, pieces = []; // `seen`: the photo that the network knows

  function herdOf(photo) {
    if (!herds.has(photo)) herds.set(photo, createHerd());
    return herds.get(photo);
  }

  const chosen = () => herdOf(album.now).chosen;
  const state = () => chosen().clicker.now;

  /** The predictor, once it has seen the photo. */
  async function ready() {
    const photo = album.now;
    if (seen === photo) return;
    seen = null;
    if (!predictor.loaded) say(envelope({}, "info", { status: "Starting the network …" }));
    await predictor.load();
    const file = photo.blob ?? toBlob([photo.url.split(",")[1]]);
    await predictor.ask("photo", await readPhoto(file));
    seen = photo;
  }

  /** Other clicks, and their mask; nothing has changed if there is none. */
  async function change(how) {
    const clicker = chosen().clicker.copy();
    how(clicker);
    const { now } = clicker, { clicks } = now;
    if (clicks.length && !now.answer) {
      await ready();
      const [width, height] = shownSize(album.now);
      const { mask, ...answer } = await predictor.ask("click", {
        points: clicks.map((click) => [Math.floor(click.x), Math.floor(click.y)]),
        labels: clicks.map((click) => click.positive),
        previous: clicker.answeredBefore(now)?.logits, width, height,
      });
      now.answer = { ...answer, url: maskUrl(mask, width, height) };
    }
    Object.assign(chosen(), { clicker, hidden: false });
  }

  /** The animals of a photo that are seen, each with its mask at the photo's size. */
  async function masksOf(photo) {
    const { width, height } = photo, { answered } = herdOf(photo), animals = [];
    const logits = apart(answered.map(({ clicker }) => clicker.now.answer.logits));
    for (const [index, { name, clicker, hidden }] of answered.entries()) {
      if (hidden) continue; // it keeps its pixels all the same
      const pixels = await predictor.ask("mask", { logits: logits[index], width, height });
      const { score } = clicker.now.answer, [species] = likelier(clicker.now.answer);
      animals.push({ name, score, species, mask: pixels.filter((_, at) => at % 4 === 0) });
    }
    return { name: photo.name, width, height, animals };
  }

  const worked = () => album.all.filter((photo) => herdOf(photo).seen.length);

  const likelier = ({ chances: [cat, dog] }) => cat > dog ? ["cat", cat] : ["dog", dog];
  const show = () => {
    const { name, credit, url, width, height } = album.now;
    return { show: { name, credit, url, width, height } };
  };

  /** Back (-1) or forth (1) among the clicks; at their end, to the photo beyond. */
  async function step(by) {
    const { clicker } = chosen(), here = by < 0 ? clicker.canUndo : clicker.canRedo;
    if (here || !(by < 0 ? album.before : album.after)) return change((copy) => copy.step(by));
    album.step(by);
    return show();
  }

  function addClicks(points) {
    const { clicks } = state();
    if (clicks.length + points.length > MOST_CLICKS) {
      throw new Error(`more than ${MOST_CLICKS} clicks are of no use; undo some, or clear`);
    }
    return change((clicker) => points.forEach(([x, y, positive]) =>
      clicker.become([...clicker.now.clicks, { x, y, positive }])));
  }

  const does = {
    open: () => ({
      models: [model], forms: FORMS, photos: album.thumbs(), ...show(),
      limits: { bytes: MOST_BYTES, text: `${KINDS}, up to ${MOST_BYTES / 1e6} MB` },
    }),

    async prepare() {
      const start = performance.now();
      await ready();
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      return state().clicks.length ? {} : { status: `Ready after ${seconds} s. ${HINT}` };
    },

    click: ({ x, y, positive }) => addClicks([[x, y, positive]]),
    clicks: ({ points }) => addClicks(points),
    move: ({ index, x, y, positive }) => change((clicker) => clicker.become(
      clicker.now.clicks.map((click, at) => at === index ? { x, y, positive } : click))),
    undo: () => step(-1),
    redo: () => step(1),
    clear: () => change((clicker) => { if (clicker.now.clicks.length) clicker.become([]); }),
    photo({ name }) { album.visit(album.get(name)); return show(); },

    async upload({ name, part, parts, data }) {
      pieces = part ? [...pieces, data] : [data];
      if (part < parts - 1) return { status: "Reading the photo …" };
      const blob = toBlob(pieces);
      pieces = [];
      const image = await readPhoto(blob), { width, height } = image;
      album.visit(album.add({ name, credit: "", url: await photoUrl(image), width, height, blob }));
      return { photos: album.thumbs(), ...show() };
    },

    next: () => herdOf(album.now).next(),
    choose: ({ number }) => herdOf(album.now).choose(number),
    rename: (given) => herdOf(album.now).rename(given),
    hide: (given) => herdOf(album.now).hide(given),
    delete: ({ number }) => herdOf(album.now).delete(number),
    refine: () => {}, // its outlines are as fine as they get here

    async download({ form }) {
      const stem = album.now.name.toLowerCase().replace(/\.\w{2,5}$/, "").replace(/[^\p{L}\p{N}_]+/gu, "_");
      if (form === "coco") {
        const photos = [];
        for (const photo of worked()) photos.push(await masksOf(photo));
        const text = new TextEncoder().encode(JSON.stringify(cocoFile(photos)));
        return { file: { name: "instances.json", url: `data:application/json;base64,${base64(text)}` } };
      }
      const { width, height, animals } = await masksOf(album.now);
      if (!animals.length) throw new Error("there is no mask yet: click on an animal, or show it again");
      const url = maskUrl(together(animals, form === "labels"), width, height);
      return { file: { name: `${form}_${stem}.png`, url } };
    },
  };

  /** A reply: to whom, the state, and what there is beyond it. */
  function envelope({ seq = -1, view = "" }, kind, more) {
    const { clicks, answer } = state(), { clicker, name, number, hidden } = chosen();
    const objects = herdOf(album.now).objects((given) => given ? likelier(given)[0] : null);
    const count = clicks.length, told = `${count} click${count > 1 ? "s" : ""}.`;
    const several = objects.length > 1;
    return {
      seq, view, version: ++version, kind,
      status: count ? `${several ? `${name}: ` : ""}${told}` : several ? `Click on ${name}.` : HINT,
      photo: album.now.name, model, mask: hidden ? null : answer?.url ?? null,
      number, objects, worked: worked().map((photo) => photo.name),
      clicks: clicks.map(({ x, y, positive }) => ({ x, y, positive })),
      score: answer?.score ?? null, ms: answer?.ms ?? null, iou: null,
      species: answer ? likelier(answer) : null,
      can_undo: clicker.canUndo || Boolean(album.before),
      can_redo: clicker.canRedo || Boolean(album.after), can_robot: false, can_refine: false, ...more,
    };
  }

  return {
    /** Do what is asked, and say what is to be seen now; never throws. */
    async handle(request) {
      try {
        if (!does[request.do]) throw new Error("this page answers clicks alone");
        return envelope(request, "info", await does[request.do](request));
      } catch (error) {
        return envelope(request, "error", { status: error.message });
      }
    },
  };
}
