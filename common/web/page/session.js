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
  const ghosts = new Map(), known = new Map(); // by photo, what is found; by its name, a file's animals
  let seen = null, version = 0, pieces = []; // `seen`: the photo that the network knows

  function herdOf(photo) {
    if (!herds.has(photo)) herds.set(photo, createHerd());
    return herds.get(photo);
  }

  const chosen = () => herdOf(album.now).chosen;
  const state = () => chosen().clicker.now;
  const read = (photo) => readPhoto(photo.blob ?? toBlob([photo.url.split(",")[1]]));

  /** The predictor, once it has seen the photo. */
  async function ready() {
    const photo = album.now;
    if (seen === photo) return;
    seen = null;
    if (!predictor.loaded) say(envelope({}, "info", { status: "Starting the network …" }));
    await predictor.load();
    await predictor.ask("photo", { ...await read(photo), frame: shownSize(photo) });
    seen = photo;
  }

  /** What the network says to a state that asks it: from what was said to fewer clicks, or from a mask. */
  async function answerTo(clicker, tell) {
    const { clicks, box, given } = clicker.now, before = clicker.answeredBefore();
    let answer = before ? before.answer : given && !box ? { logits: await given.coarse() } : null;
    let count = before ? clicks.length : given && !box ? given.after + 1 : box ? 0 : 1;
    await ready();
    for (; count <= clicks.length; count++) {
      const { middles, previous } = await told(clicker.now, count, answer?.logits);
      const asked = [...middles, ...(given?.anchors ?? []), ...clicks.slice(0, count)];
      answer = await predictor.ask("click", {
        points: asked.map((click) => [Math.floor(click.x), Math.floor(click.y)]),
        labels: asked.map((click) => Number(click.positive)), previous, box,
      }, count === clicks.length ? tell : undefined);
    }
    return answer;
  }

  /** What was painted before a click, as clicks and in the logits of before. */
  async function told({ strokes: all, clicks }, count, previous) {
    const strokes = all.filter(({ after }) => after < count), size = shownSize(album.now);
    if (!strokes.length) return { middles: [], previous };
    const [width, height] = size, scale = width / album.now.width;
    const fixed = standing(size, scale, { strokes, clicks: clicks.slice(0, count) });
    const coarse = previous && await predictor.ask("coarse",
      { logits: fixed.map((sign) => PAINTED * sign), width, height });
    return { middles: middlesOf(strokes, fixed, size, scale), previous: previous?.map((logit, at) =>
      Math.abs(coarse[at]) > PAINTED / STEPS / 2 ? coarse[at] : logit) };
  }

  /** Logits of an animal at some size of its photo, what is painted among them. */
  async function logitsOf({ clicker: { now } }, photo, [width, height]) {
    const answer = stands(now) ? now.given : now.answer;
    let logits = new Int8Array(width * height).fill(-PAINTED);
    if (answer?.native) logits = answer.native(width, height);
    else if (answer?.mask.values.length === logits.length) logits = answer.mask.values;
    else if (answer) logits = await predictor.ask("native", { told: answer.told, frame: [width, height] });
    return withStrokes(logits, [width, height], width / photo.width, now);
  }

  /** An animal's mask as it is shown. */
  async function maskOf(one, photo) {
    const { now } = one.clicker, { mask } = (stands(now) ? now.given : now.answer) ?? {};
    const [width, height] = shownSize(photo), values = await logitsOf(one, photo, [width, height]);
    return mask?.values === values ? mask : { values, width, height };
  }

  /** Masks to be shown, of those that have none yet. */
  async function draw(photo) {
    for (const one of herdOf(photo).pointed) one.clicker.now.mask ??= await maskOf(one, photo);
  }

  /** Show what is known of an answer before all of it is; what is painted comes with the rest. */
  function peek(one, clicker, answer) {
    const { clicker: before } = one;
    if (clicker.now.strokes.length) return;
    one.clicker = { ...clicker, now: { ...clicker.now, answer, mask: answer.mask } };
    say(envelope({}, "info", { clicks: before.now.clicks })); // the page itself adds those underway
    one.clicker = before;
  }

  /** Another state of the chosen one, and its mask; nothing has changed if there is none. */
  async function change(how) {
    const one = chosen(), clicker = one.clicker.copy();
    how(clicker);
    const { now } = clicker, asks = now.clicks.length || now.box;
    if (asks && !stands(now)) now.answer ??= await answerTo(clicker, (answer) => peek(one, clicker, answer));
    if (isPointed(now)) now.mask ??= await maskOf({ clicker }, album.now);
    herdOf(album.now).touch();
    Object.assign(one, { clicker, hidden: false });
  }

  /** Species (and how likely), and what else is told of the answer to a state. */
  function toldOf(now) {
    const answer = stands(now) ? now.given : now.answer;
    return { score: answer?.score ?? null, ms: answer?.ms ?? null,
             species: answer?.species ?? (answer?.chances ? likelier(answer) : null) };
  }

  /** The animals of a photo that are seen, each with its logits at the photo's size. */
  async function finished(photo) {
    const { name, width, height } = photo, { pointed } = herdOf(photo), all = [];
    for (const one of pointed) all.push(await logitsOf(one, photo, [width, height]));
    const shares = apart(all), animals = pointed.map((one, index) => {
      const { now } = one.clicker, { score, species } = toldOf(now);
      const isGiven = stands(now) && now.given.native && !now.strokes.length; // as it came
      return { name: one.name, score, species: species?.[0] ?? null, clicks: now.clicks, box: now.box,
               hidden: one.hidden, logits: isGiven ? all[index] : shares[index] };
    });
    return { name, width, height, animals: animals.filter((one) => !one.hidden) }; // which keep their pixels
  }

  const worked = () => album.all.filter((photo) => herdOf(photo).seen.length);
  const likelier = ({ chances: [cat, dog] }) => cat > dog ? ["cat", cat] : ["dog", dog];
  const show = async () => {
    await draw(album.now);
    const { name, credit, url, width, height } = album.now;
    return { show: { name, credit, url, width, height } };
  };

  /** Back (-1) or forth (1) among the states; at their end, to the photo beyond. */
  async function step(by) {
    const { clicker } = chosen(), here = by < 0 ? clicker.canUndo : clicker.canRedo;
    if (by < 0 && herdOf(album.now).restore()) return {};
    if (here || !(by < 0 ? album.before : album.after)) return change((copy) => copy.step(by));
    album.step(by);
    return show();
  }

  function addClicks(points) {
    if (state().clicks.length + points.length > MOST_CLICKS) {
      throw new Error(`more than ${MOST_CLICKS} clicks are of no use; undo some, or clear`);
    }
    return change((clicker) => points.forEach(([x, y, positive]) => clicker.add([{ x, y, positive }])));
  }

  /** What was found, but for what an animal of the user's shows already. */
  function ghostsLeft() {
    const taken = herdOf(album.now).pointed.map(({ clicker: { now } }) =>
      (stands(now) ? now.given : now.answer)?.logits).filter(Boolean);
    const count = (logits, other = logits) =>
      logits.reduce((sum, value, at) => sum + (value > 0 && other[at] > 0), 0);
    const isSame = (one, other) => count(one, other) > 0.5 * Math.min(count(one), count(other));
    return (ghosts.get(album.now)?.now ?? []).filter(({ logits }) => !taken.some((one) => isSame(one, logits)));
  }

  function take({ logits, mask, told, chances, score }, click) {
    const herd = herdOf(album.now);
    if (isPointed(herd.chosen.clicker.now)) herd.next();
    const given = { logits, mask, told, chances, score, after: 1, coarse: () => logits };
    return change((clicker) => clicker.become({ clicks: [click], given }));
  }

  /** A file's animals on the photo that they belong to, unless there are some already. */
  async function fill(photo) {
    const { width, height } = photo, animals = known.get(photo.name);
    if (!animals?.length || herdOf(photo).pointed.length) return;
    herdOf(photo).fill(animals.map(({ name, outline, score, species }) => {
      const native = annotated(outline, width, height), middle = middleOf(native, width, height);
      const given = {
        after: 0, score, species: species && [species, 1], anchors: middle ? [middle] : [],
        native: (w, h) => (w === width ? native : nearest(native, width, height, w, h)),
        coarse: () => predictor.load().then(() => predictor.ask("coarse", { logits: native, width, height })),
      };
      return { name, given };
    }));
    await draw(photo);
  }

  async function takeCoco(blob) {
    for (const [name, animals] of readCoco(await blob.text())) known.set(name, animals);
    const mine = album.all.filter((photo) => known.has(photo.name));
    for (const photo of mine) await fill(photo);
    if (mine.length) album.visit(mine[0]);
    return { ...(await show()), status: `${known.size} photos in the file, ${mine.length} of them here; ` +
      "add the others by the same names." };
  }

  /** Each form: the end of its file's name, and what is in it. */
  const forms = {
    mask: ["mask_{}.png", ({ animals, width, height }) => pngOf(labelled(animals, false), width, height)],
    labels: ["labels_{}.png", ({ animals, width, height }) => pngOf(labelled(animals, true), width, height)],
    cutout: ["cutout_{}.png", async ({ animals, width, height }, photo) =>
      pngOf(cutOut((await read(photo)).pixels, animals), width, height)],
    labelme: ["{}.json", async (done) => textBytes(JSON.stringify(await labelmeFile(done)))],
  };
  const stemOf = ({ name }) => name.toLowerCase().replace(/\.\w{2,5}$/, "").replace(/[^\p{L}\p{N}_]+/gu, "_");
  const cocoOf = (all) => ({ name: "instances.json", bytes: textBytes(JSON.stringify(cocoFile(all))) });

  async function zipAll() {
    const files = [], all = [], taken = new Set();
    for (const photo of worked()) {
      const done = await finished(photo);
      let stem = stemOf(photo);
      while (taken.has(stem)) stem += "_";
      taken.add(stem);
      all.push(done);
      for (const [name, make] of Object.values(forms)) {
        files.push({ name: name.replace("{}", stem), bytes: await make(done, photo) });
      }
    }
    return { name: "masks.zip", bytes: zipOf([cocoOf(all), ...files]) };
  }

  async function fileOf(form) {
    if (!worked().length || (forms[form] && !herdOf(album.now).seen.length)) {
      throw new Error("there is no mask yet: click on an animal, or show it again");
    }
    if (form === "zip") return zipAll();
    if (form === "coco") {
      const all = [];
      for (const photo of worked()) all.push(await finished(photo));
      return cocoOf(all);
    }
    const [name, make] = forms[form];
    return { name: name.replace("{}", stemOf(album.now)), bytes: await make(await finished(album.now), album.now) };
  }

  const does = {
    open: async () => ({
      models: [model], photos: album.thumbs(), ...await show(),
      forms: { mask: "Mask (PNG)", labels: "Label map (PNG)", cutout: "Cut-out (PNG)", labelme: "labelme (JSON)",
               coco: "COCO of all photos (JSON)", zip: "All photos, all forms (ZIP)" },
      limits: { bytes: MOST_BYTES, text: `${KINDS}, up to ${MOST_BYTES / 1e6} MB` },
    }),

    async prepare() {
      const start = performance.now();
      await ready();
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      return isPointed(state()) ? {} : { status: `Ready after ${seconds} s. ${HINT}` };
    },

    async find() {
      await ready();
      const { fresh, found, done } = await predictor.ask("find", {});
      const known = ghosts.get(album.now) ?? { all: new Map(), now: [] };
      for (const one of fresh) known.all.set(one.number, one);
      const now = found?.map((number) => known.all.get(number)) ?? known.now;
      ghosts.set(album.now, { ...known, now, done });
    },

    take({ number, x, y }) {
      const ghost = ghostsLeft().find((one) => one.number === number);
      if (!ghost) throw new Error(`there is no animal ${number} among those that were found`);
      return take(ghost, { x, y, positive: true });
    },

    async take_all() {
      const { width, height } = album.now;
      for (const ghost of ghostsLeft()) {
        const edge = Math.sqrt(ghost.logits.length);
        const { x, y } = middleOf(ghost.logits, edge, edge);
        await take(ghost, { x: ((x + 0.5) * width) / edge, y: ((y + 0.5) * height) / edge, positive: true });
      }
    },

    click: ({ x, y, positive }) => addClicks([[x, y, positive]]),
    clicks: ({ points }) => addClicks(points),
    move: ({ index, x, y, positive }) => change((clicker) => clicker.move(index, { x, y, positive })),
    paint: ({ points, radius, positive }) => change((clicker) => clicker.paint({ points, radius, positive })),
    box: ({ x0, y0, x1, y1 }) => change((clicker) => clicker.become({ box: [x0, y0, x1, y1] })),
    undo: () => step(-1),
    redo: () => step(1),
    clear: () => change((clicker) => clicker.clear()),
    photo({ name }) { album.visit(album.get(name)); return show(); },

    async upload({ name, part, parts, data }) {
      pieces = part ? [...pieces, data] : [data];
      if (part < parts - 1) return { status: "Reading the photo …" };
      const blob = toBlob(pieces);
      pieces = [];
      if (/\.json$/i.test(name)) return takeCoco(blob);
      const image = await readPhoto(blob), { width, height } = image;
      const photo = album.add({ name, credit: "", url: await photoUrl(image), width, height, blob });
      await fill(photo);
      album.visit(photo);
      return { photos: album.thumbs(), ...await show() };
    },

    next: () => herdOf(album.now).next(),
    choose: ({ number }) => herdOf(album.now).choose(number),
    rename: (given) => herdOf(album.now).rename(given),
    hide: (given) => herdOf(album.now).hide(given),
    delete({ number }) {
      herdOf(album.now).delete(number);
      return { status: `Animal ${number} is deleted; undo brings it back.` };
    },
    refine: () => {}, // its outlines are as fine as they get here

    async download({ form }) {
      const { name, bytes } = await fileOf(form);
      const kind = { png: "image/png", json: "application/json", zip: "application/zip" }[name.split(".").at(-1)];
      return { file: { name, url: `data:${kind};base64,${base64(bytes)}` } };
    },
  };

  /** How the chosen animal is pointed at, in words. */
  function statusOf({ name, clicker: { now } }, several, left) {
    const told = (count, what) => count ? [`${count} ${what}${count > 1 ? "s" : ""}`] : [];
    const said = [...(now.box ? ["a box"] : []), ...told(now.clicks.length, "click"),
                  ...told(now.strokes.length, "stroke")];
    if (!said.length && now.given) said.push("a mask from a file");
    if (!said.length && left.length && ghosts.get(album.now).done) {
      const kinds = left.map((ghost) => likelier(ghost)[0]), which = left.length > 1 ? "one" : "it";
      const counts = [...new Set(kinds)].sort().flatMap((kind) =>
        told(kinds.filter((each) => each === kind).length, kind));
      return `Found ${counts.join(" and ")}: click on ${which} to take it, or on what is missing.`;
    }
    if (!said.length) return several ? `Click on ${name}, or draw a box round it.` : HINT;
    const text = [said.slice(0, -1).join(", "), said.at(-1)].filter(Boolean).join(" and ");
    return several ? `${name}: ${text}.` : `${text[0].toUpperCase()}${text.slice(1)}.`;
  }

  /** A reply: to whom, the state, and what there is beyond it. */
  function envelope({ seq = -1, view = "" }, kind, more) {
    const one = chosen(), { clicker, number, hidden } = one, { now } = clicker, herd = herdOf(album.now);
    const objects = herd.objects((given) => toldOf(given).species?.[0] ?? null), left = ghostsLeft();
    return {
      seq, view, version: ++version, kind, status: statusOf(one, objects.length > 1, left),
      photo: album.now.name, model, mask: hidden ? null : now.mask ?? null,
      number, objects, worked: worked().map((photo) => photo.name),
      found: left.map((ghost) => ({ number: ghost.number, species: likelier(ghost)[0], mask: ghost.mask })),
      can_find: !ghosts.get(album.now)?.done, box: now.box,
      clicks: now.clicks.map(({ x, y, positive }) => ({ x, y, positive })), iou: null, ...toldOf(now),
      can_undo: herd.canUndo || Boolean(album.before),
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
