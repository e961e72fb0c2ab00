/** Photos and masks between files, pixels and what the click canvas shows. */

const SHOWN = 1600; // longest side, in pixels, of what the canvas gets to see
const PHOTO = /^(\xff\xd8|\x89PNG|GIF8|RIFF....WEBP|BM|....ftypavif)/s; // how files begin
const MOST_PIXELS = 5e7; // of a photo, as in data/pets.py

/** A photo, upright and on white paper, RGBA bytes; it never leaves the page. */
async function readPhoto(blob) {
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const image = await createImageBitmap(blob, options).catch(async () => {
    const start = String.fromCharCode(...new Uint8Array(await blob.slice(0, 12).arrayBuffer()));
    throw new Error(PHOTO.test(start) ? "the photo: damaged; fetch it again, or save it anew as " +
      "JPEG or PNG" : `the photo: not a photo of a known kind (${KINDS}); convert it`);
  });
  const { width, height } = image;
  if (width * height > MOST_PIXELS) {
    throw new Error(`the photo: more than ${MOST_PIXELS / 1e6} million pixels; reduce it`);
  }
  const context = painted(image, width, height).getContext("2d");
  return { width, height, pixels: context.getImageData(0, 0, width, height).data };
}

function painted(image, width, height) {
  const canvas = blank(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  return canvas;
}

/** The size that a photo is shown in, or its own if that is less: [width, height]. */
function shownSize({ width, height }) {
  const scale = Math.min(1, SHOWN / Math.max(width, height));
  return [width, height].map((side) => Math.max(1, Math.round(side * scale)));
}

/** RGBA bytes as the address of a picture, reduced if it is large. */
async function photoUrl({ pixels, width, height }) {
  const image = await createImageBitmap(new ImageData(pixels, width, height));
  return painted(image, ...shownSize({ width, height })).toDataURL("image/jpeg", 0.9);
}

/** Base64 pieces of a file as one. */
function toBlob(pieces) {
  return new Blob(pieces.map(bytesOf));
}
