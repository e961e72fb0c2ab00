/** Bytes as a text; page.py's `packed` wrote it. */

const ESCAPE = "=".charCodeAt(0);
const BYTES = new Map(Array.from( // of letters that windows-1252 has elsewhere than Unicode
  new TextDecoder("windows-1252").decode(Uint8Array.from({ length: 256 }, (_, byte) => byte)),
  (letter, byte) => [letter.charCodeAt(0), byte]));

/** The bytes that a text in windows-1252 stands for. */
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
