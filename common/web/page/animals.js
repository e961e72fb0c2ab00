/**
 * The animals of a photo and the files of them, as far as the page goes without Python: `Animals`
 * and `forms.py` again. It has no box, no fine outline, no cut-out, no labelme and no ZIP.
 */

const FORMS = { mask: "Mask (PNG)", labels: "Label map (PNG)", coco: "COCO (JSON)" };

function createHerd() {
  const fresh = (number) => ({ number, name: `Animal ${number}`, hidden: false, clicker: createClicker() });
  let all = [fresh(1)], at = 0, made = 1;

  function place(number) {
    const found = all.findIndex((one) => one.number === number);
    if (found < 0) throw new Error(`there is no animal ${number}`);
    return found;
  }

  return {
    get chosen() { return all[at]; },
    /** Those that have a mask. */
    get answered() { return all.filter((one) => one.clicker.now.answer); },

    /** … and are not hidden. */
    get seen() { return all.filter((one) => one.clicker.now.answer && !one.hidden); },
    choose(number) { at = place(number); },
    hide({ number, hidden }) { all[place(number)].hidden = hidden; },
    rename({ number, name }) {
      all[place(number)].name = name.trim().replace(/\s+/g, " ").slice(0, 60) || `Animal ${number}`;
    },
    next() {
      const free = all.findIndex((one) => !one.clicker.now.clicks.length);
      at = free < 0 ? all.push(fresh(++made)) - 1 : free;
    },
    delete(number) {
      const gone = place(number);
      all = all.filter((one) => one.number !== number);
      if (!all.length) [all, made] = [[fresh(1)], 1];
      at = Math.min(at - (gone < at), all.length - 1);
    },
    objects: (speciesOf) => all.map(({ number, name, hidden, clicker }, index) => ({
      number, name, hidden, species: speciesOf(clicker.now.answer),
      mask: hidden || index === at ? null : clicker.now.answer?.url ?? null,
    })),
  };
}

/** Coarse logits of several animals such that no cell is above 0 where another one's are higher. */
function apart(logits) {
  return logits.map((one, number) => one.map((value, cell) =>
    logits.some((other, index) => other[cell] > value || (other[cell] === value && index < number))
      ? -Math.abs(value) : value));
}

/** A mask (bytes, row by row) as COCO's compressed run lengths, and its box and area. */
function runLengths(mask, width, height) {
  const counts = [];
  let last = 0, run = 0, area = 0;
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const value = mask[y * width + x] ? 1 : 0;
      if (value !== last) [run, last] = [counts.push(run) && 0, value];
      run++;
      if (!value) continue;
      area++;
      [left, right] = [Math.min(left, x), x];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  counts.push(run);
  const text = counts.map((count, index) => packedCount(count - (index > 2 ? counts[index - 2] : 0)));
  const bbox = area ? [left, top, right - left + 1, bottom - top + 1] : [0, 0, 0, 0];
  return { segmentation: { size: [height, width], counts: text.join("") }, bbox, area };
}

/** Five bits a character, lowest first; its sixth says that more follow. */
function packedCount(rest) {
  let text = "", more = true;
  while (more) {
    const bits = rest & 31;
    rest >>= 5;
    more = rest !== (bits & 16 ? -1 : 0);
    text += String.fromCharCode(48 + bits + 32 * more);
  }
  return text;
}

/** A file of COCO's; `photos` have name, width, height and animals with name, mask, species and score. */
function cocoFile(photos) {
  const kinds = ["animal", "cat", "dog"], annotations = [];
  photos.forEach(({ width, height, animals }, index) => animals.forEach((one) => annotations.push({
    id: annotations.length + 1, image_id: index + 1, category_id: kinds.indexOf(one.species),
    name: one.name, iscrowd: 0, score: one.score, ...runLengths(one.mask, width, height),
  })));
  return {
    images: photos.map(({ name, width, height }, index) =>
      ({ id: index + 1, file_name: name, width, height })),
    annotations, categories: kinds.map((name, id) => ({ id, name })),
  };
}

/** The masks of several animals as one picture, RGBA bytes: white, or grey by their numbers. */
function together(animals, byNumber) {
  const pixels = new Uint32Array(animals[0].mask.length).fill(0xff000000);
  animals.forEach(({ mask }, index) => mask.forEach((value, at) => {
    if (value) pixels[at] = byNumber ? 0xff000000 + (index + 1) * 0x010101 : 0xffffffff;
  }));
  return new Uint8ClampedArray(pixels.buffer);
}
