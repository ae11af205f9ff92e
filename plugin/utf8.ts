/**
 * Text as bytes, in memory that is used again and again: what is written at once needs none of its own, and new memory
 * for each body costs more than writing it.
 */

/** Longer texts get memory of their own, so that what is kept stays small. In bytes. */
const MOST = 4 << 20;
const STEP = 256 << 10;

let space = Buffer.allocUnsafeSlow(64 << 10);

/** `text` as UTF-8; it stays what it is until the next call. */
export function utf8(text: string): Uint8Array {
  // A character of a string is at most three bytes.
  if (text.length * 3 > space.length) {
    const length = Buffer.byteLength(text);
    if (length > MOST) return Buffer.from(text);
    if (length > space.length) space = Buffer.allocUnsafeSlow(Math.ceil(length / STEP) * STEP);
  }
  return space.subarray(0, space.write(text));
}
