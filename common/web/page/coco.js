/** A COCO file of one's own, whose animals are to be corrected: read as `data/coco.py` reads it. */

/** The lengths in COCO's compressed text. */
function unpackedCounts(text) {
  const counts = [];
  let value = 0, shift = 0;
  for (const letter of text) {
    const bits = letter.charCodeAt(0) - 48;
    value |= (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    if (bits & 16) value |= -1 << shift;
    counts.push(value + (counts.length > 2 ? counts[counts.length - 2] : 0));
    [value, shift] = [0, 0];
  }
  return counts;
}

/** Logits of an annotation on a photo: of run lengths to the pixel, of polygons as a canvas fills them. */
function annotated(outline, width, height) {
  const logits = new Int8Array(width * height).fill(-PAINTED);
  if (Array.isArray(outline)) {
    const context = blank(width, height).getContext("2d", { willReadFrequently: true });
    for (const flat of Array.isArray(outline[0]) ? outline : [outline]) {
      context.beginPath();
      for (let at = 0; at < flat.length; at += 2) context[at ? "lineTo" : "moveTo"](flat[at], flat[at + 1]);
      context.fill();
    }
    const { data } = context.getImageData(0, 0, width, height);
    return logits.map((value, at) => data[4 * at + 3] > 127 ? PAINTED : value);
  }
  const { size: [h, w], counts } = outline;
  const runs = typeof counts === "string" ? unpackedCounts(counts) : counts;
  if (h !== height || w !== width || runs.reduce((sum, run) => sum + run, 0) !== width * height) {
    throw new Error(`its masks are ${w} × ${h} pixels and the photo ${width} × ${height}`);
  }
  let at = 0;
  runs.forEach((run, index) => {
    for (const end = at + run; at < end; at++) {
      if (index % 2) logits[(at % height) * width + Math.floor(at / height)] = PAINTED;
    }
  });
  return logits;
}

/** By a photo's file name, what a COCO file says of its animals. */
function readCoco(text) {
  try {
    const { images, annotations, categories = [] } = JSON.parse(text);
    const kinds = new Map(categories.map(({ id, name }) => [id, name]));
    return new Map(images.map(({ id, file_name: name }) => [name.replace(/^.*[\\/]/, ""),
      annotations.filter((one) => one.image_id === id && !Number(one.iscrowd ?? 0)).map((one) => ({
        name: one.name ?? "", outline: one.segmentation, score: one.score ?? null,
        species: ["cat", "dog"].find((kind) => kind === kinds.get(one.category_id)) ?? null }))]));
  } catch {
    throw new Error("the file: not a COCO file of instances; it needs images (id, file_name) and " +
      "annotations (id, image_id, segmentation)");
  }
}
