/** JSON payloads, made to fit into one frame. */

import { MAX_PAYLOAD } from "./frame.ts";
import { utf8 } from "./utf8.ts";

/** In a document that is too large, strings are cut to this many characters, then to fewer. */
const STRING_LIMITS = [64 << 10, 1 << 10];

export interface Document {
  /** They stay what they are until the next document is made: see {@link utf8}. */
  bytes: Uint8Array;
  /** Whether strings had to be cut. */
  cut: boolean;
}

/** `value` as JSON; `undefined` for what is too large even with its strings cut. */
export function toDocument(value: object): Document | undefined {
  const whole = utf8(json(value));
  if (whole.length <= MAX_PAYLOAD) return { bytes: whole, cut: false };
  for (const limit of STRING_LIMITS) {
    const shorter = utf8(json(value, (text) => (text.length > limit ? `${text.slice(0, limit)}…` : text)));
    if (shorter.length <= MAX_PAYLOAD) return { bytes: shorter, cut: true };
  }
  return undefined;
}

/**
 * `value` as JSON that every reader accepts. Whoever cuts text to a length may cut a character in two (OpenCode
 * does so with titles); half of one is written as an escape that strict readers refuse.
 */
function json(value: object, shortened?: (text: string) => string): string {
  const text = JSON.stringify(value, shortened && strings(shortened));
  if (!HALF_CHARACTER.test(text)) return text;
  return JSON.stringify(value, strings((field) => (shortened?.(field) ?? field).toWellFormed()));
}

const HALF_CHARACTER = /\\ud[89a-f]/;

function strings(change: (text: string) => string) {
  return (_: string, field: unknown) => (typeof field === "string" ? change(field) : field);
}
