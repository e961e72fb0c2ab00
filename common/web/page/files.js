/** Bytes of PNG and ZIP files, and the pieces that other tools read. */

const CRC = Uint32Array.from({ length: 256 }, (_, number) => {
  let rest = number;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

const textBytes = (text) => new TextEncoder().encode(text);

function joined(parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) [, at] = [out.set(part, at), at + part.length];
  return out;
}

/** Whole numbers as bytes: each [value, how many]; `isLittle` puts the lowest first. */
function numbers(pairs, isLittle) {
  return Uint8Array.from(pairs.flatMap(([value, count]) => {
    const bytes = Array.from({ length: count }, (_, at) => Math.floor(value / 256 ** at) & 255);
    return isLittle ? bytes : bytes.reverse();
  }));
}

/** A picture of 1 (grey), 3 or 4 (RGBA) bytes a pixel; a canvas would round what is half clear. */
async function pngOf(pixels, width, height) {
  const channels = pixels.length / (width * height), row = width * channels;
  const lines = new Uint8Array((row + 1) * height);
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  const packed = new Blob([lines]).stream().pipeThrough(new CompressionStream("deflate"));
  const kind = { 1: 0, 3: 2, 4: 6 }[channels];
  const chunk = (name, content) => {
    const body = joined([textBytes(name), content]);
    return [numbers([[content.length, 4]]), body, numbers([[crc32(body), 4]])];
  };
  return joined([Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
    ...chunk("IHDR", numbers([[width, 4], [height, 4], [8, 1], [kind, 1], [0, 3]])),
    ...chunk("IDAT", new Uint8Array(await new Response(packed).arrayBuffer())),
    ...chunk("IEND", new Uint8Array(0))]);
}

/** Files {name, bytes} in one, as they are: PNGs are packed already. */
function zipOf(files) {
  const locals = [], central = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const path = textBytes(name), size = bytes.length;
    const about = [[20, 2], [0x800, 2], [0, 2], [0, 2], [0x21, 2], [crc32(bytes), 4], [size, 4], [size, 4],
                   [path.length, 2], [0, 2]]; // names in UTF-8; of the first of January 1980
    const local = joined([numbers([[0x04034b50, 4], ...about], true), path, bytes]);
    central.push(joined([numbers([[0x02014b50, 4], [20, 2], ...about, [0, 8], [0, 2], [offset, 4]], true), path]));
    locals.push(local);
    offset += local.length;
  }
  const index = joined(central), count = files.length;
  const end = [[0x06054b50, 4], [0, 4], [count, 2], [count, 2], [index.length, 4], [offset, 4], [0, 2]];
  return joined([...locals, index, numbers(end, true)]);
}

/** A mask (logits) as COCO's compressed run lengths, and its box and area. */
function runLengths(logits, width, height) {
  const counts = [];
  let last = 0, run = 0, area = 0;
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const value = logits[y * width + x] > 0 ? 1 : 0;
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

const toldClicks = ({ clicks, box }) => ({
  clicks: clicks.map(({ x, y, positive }) => ({ x, y, label: Number(positive) })),
  ...(box ? { prompt_box: box } : {}),
});

/** A file of COCO's; `photos` have name, width, height and animals with name, logits, species, score. */
function cocoFile(photos) {
  const kinds = ["animal", "cat", "dog"], annotations = [];
  photos.forEach(({ width, height, animals }, index) => animals.forEach((one) => annotations.push({
    id: annotations.length + 1, image_id: index + 1, category_id: Math.max(0, kinds.indexOf(one.species)),
    name: one.name, iscrowd: 0, score: one.score, ...runLengths(one.logits, width, height),
    ...toldClicks(one),
  })));
  return {
    images: photos.map(({ name, width, height }, index) =>
      ({ id: index + 1, file_name: name, width, height })),
    annotations, categories: kinds.map((name, id) => ({ id, name })),
  };
}

/** What labelme opens beside a photo: a `mask` shape an animal. */
async function labelmeFile({ name, width, height, animals }) {
  const shapes = [];
  for (const { logits, species, name: called } of animals) {
    const { area, bbox: [left, top, across, down] } = runLengths(logits, width, height);
    if (!area) continue;
    const inside = Uint8Array.from({ length: across * down }, (_, at) =>
      Number(logits[(top + Math.floor(at / across)) * width + left + (at % across)] > 0));
    shapes.push({ label: species ?? "animal", group_id: null, description: called, shape_type: "mask",
                  points: [[left, top], [left + across - 1, top + down - 1]], flags: {},
                  mask: base64(await pngOf(inside, across, down)) });
  }
  return { version: "5.5.0", flags: {}, shapes, imagePath: name, imageData: null, imageHeight: height,
           imageWidth: width };
}
