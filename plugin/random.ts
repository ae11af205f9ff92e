/** Random bytes, without `node:crypto`: loading that would cost more than all of the plugin. */

export function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** `count` random bytes as twice as many hexadecimal digits. */
export function randomHex(count: number): string {
  return Buffer.from(randomBytes(count)).toString("hex");
}
