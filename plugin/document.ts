/** JSON payloads, made to fit into one frame. */

import { MAX_PAYLOAD } from "./frame.ts";

/** In a document that is too large, strings are cut to this many characters, then to fewer. */
const STRING_LIMITS = [64 << 10, 1 << 10];

export interface Document {
  bytes: Uint8Array;
  /** Whether strings had to be cut. */
  cut: boolean;
}

/** `value` as JSON; `undefined` for what is too large even with its strings cut. */
export function toDocument(value: object): Document | undefined {
  const whole = Buffer.from(JSON.stringify(value));
  if (whole.length <= MAX_PAYLOAD) return { bytes: whole, cut: false };
  for (const limit of STRING_LIMITS) {
    const shorter = Buffer.from(
      JSON.stringify(value, (_, field: unknown) =>
        typeof field === "string" && field.length > limit ? `${field.slice(0, limit)}…` : field,
      ),
    );
    if (shorter.length <= MAX_PAYLOAD) return { bytes: shorter, cut: true };
  }
  return undefined;
}
