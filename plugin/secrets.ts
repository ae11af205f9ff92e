/**
 * Credentials: what must never be written, and how the recorder learns what they look like.
 *
 * Two things are done with a credential's value. Its *print* (length, rolling hash, salted SHA-256)
 * goes into the spool, so that the recorder finds it in any text. And values that OpenCode sends to
 * model servers are *scrubbed* here already: taken out of every payload before it is written, in
 * case a server, a prompt or an error message repeats them. What a chunk border cuts in two is left to
 * the recorder, which sees the whole.
 */

import { randomBytes } from "./random.ts";

/** As in `octrace-wire`'s `SecretPrint`. */
export interface SecretPrint {
  length: number;
  rolling: number;
  sha256: string;
  token: boolean;
}

export const REDACTED = "[REDACTED]";

/** Shorter values would be found everywhere by accident. */
const MIN_BYTES = 8;
const MAX_BYTES = 16 << 10;
const MAX_PRINTS = 1024;
const MAX_SCRUBBED = 64;

/** Most credentials are; the recorder finds them many times faster than others. */
const TOKEN = /^[A-Za-z0-9\-._~+/=]*$/;

export class Credentials {
  /** Keys the hashes of this spool. */
  readonly salt: Uint8Array;
  #known = new Set<string>();
  /** Of these nothing is new: the same key comes with each request. */
  #settled = new Set<string>();
  /** Longest first, so that a value inside another leaves nothing of the longer one. */
  #scrubbed: Buffer[] = [];
  #factor: number;

  constructor(salt: Uint8Array = randomBytes(16)) {
    this.salt = salt;
    this.#factor = ((new DataView(salt.buffer, salt.byteOffset).getUint32(0, true) & ~3) | 1) >>> 0;
  }

  /** Takes note of `values`; gives the prints of those that are new. */
  learn(values: Iterable<string>, scrub: boolean): SecretPrint[] {
    const prints: SecretPrint[] = [];
    for (const value of values) {
      if (this.#settled.has(value)) continue;
      const bytes = Buffer.from(value);
      if (bytes.length < MIN_BYTES || bytes.length > MAX_BYTES) continue;
      if (scrub && this.#scrub(bytes)) this.#settled.add(value);
      if (this.#known.has(value) || this.#known.size >= MAX_PRINTS) continue;
      this.#known.add(value);
      prints.push(this.print(bytes));
    }
    return prints;
  }

  print(value: Uint8Array): SecretPrint {
    let rolling = 0;
    for (const byte of value) rolling = (Math.imul(rolling, this.#factor) + byte) >>> 0;
    const sha256 = new Bun.CryptoHasher("sha256").update(this.salt).update(value).digest("hex");
    return { length: value.length, rolling, sha256, token: TOKEN.test(Buffer.from(value).toString("latin1")) };
  }

  /** `bytes` without the credentials in it; the same array where there are none. */
  clean(bytes: Uint8Array): Uint8Array {
    let clean = bytes;
    for (const value of this.#scrubbed) {
      if (indexOf.call(clean, value) >= 0) clean = without(value, clean);
    }
    return clean;
  }

  /** Whether there was room for it. */
  #scrub(value: Buffer): boolean {
    // The value as it is, and as it stands inside a JSON string.
    const escaped = Buffer.from(JSON.stringify(value.toString()).slice(1, -1));
    for (const form of [value, escaped]) {
      if (this.#scrubbed.length >= MAX_SCRUBBED) return false;
      if (!this.#scrubbed.some((known) => known.equals(form))) this.#scrubbed.push(form);
    }
    this.#scrubbed.sort((a, b) => b.length - a.length);
    return true;
  }
}

const MARK = Buffer.from(REDACTED);

/** Works on any bytes: most have no credential in them, and need not become a `Buffer` to be looked through. */
const { indexOf } = Buffer.prototype;

function without(value: Buffer, bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, from)) {
    parts.push(text.subarray(from, at), MARK);
    from = at + value.length;
  }
  parts.push(text.subarray(from));
  return Buffer.concat(parts);
}

/** Names under which credentials are kept in JSON: `apiKey`, `access`, `Authorization`, … */
const SECRET_FIELD =
  /^(key|access|refresh|token|auth|authorization|cookie|bearer)$|api_?-?key|token$|secret|passw(or)?d|credential|authorization|(access|private|signing)_?-?key/i;

/**
 * The credentials in a piece of OpenCode's configuration or in its credential files. Bounded: looks
 * at no more than a few thousand values, six levels deep.
 */
export function credentialsIn(root: unknown): string[] {
  const found: string[] = [];
  let budget = 5000;
  const visit = (value: unknown, depth: number): void => {
    if (value === null || typeof value !== "object" || depth > 6) return;
    for (const [name, field] of Object.entries(value)) {
      if (--budget < 0) return;
      if (typeof field !== "string") visit(field, depth + 1);
      else if (SECRET_FIELD.test(name) && isPlausible(field)) found.push(...withoutScheme(field));
    }
  };
  visit(root, 0);
  return found;
}

const SECRET_VARIABLE = /_?(API_?KEY|ACCESS_?KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL)/i;

/** The credentials among environment variables, passwords in connection strings included. */
export function credentialsInEnv(env: NodeJS.ProcessEnv): string[] {
  const found: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!value) continue;
    if (SECRET_VARIABLE.test(name) && isPlausible(value)) found.push(...withoutScheme(value));
    const userinfo = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@:]*:([^/]+)@/i.exec(value)?.[1];
    // Where an `@` in a password is not escaped, it ends for one reader at the first of them and for another at the last.
    if (userinfo) found.push(...inUrl([userinfo, userinfo.replace(/@.*/s, "")]));
    for (const [, quoted, plain = ""] of value.matchAll(PASSWORD_PARAMETER)) {
      const password = quoted?.replace(/\\(.)/gs, "$1") ?? plain;
      found.push(...inUrl([password, password.replace(/[&;#].*/s, "")]));
    }
  }
  return found;
}

/** Of a URL, or of a connection string that is a row of `name=value`. */
const PASSWORD_PARAMETER = /(?:^|[?&;\s])(?:ssl)?(?:password|pwd)\s*=\s*(?:'((?:\\.|[^'\\])*)'|([^\s']+))/gi;

function inUrl(values: string[]): Set<string> {
  return new Set([...values, ...values.map(decoded)]);
}

/** What has such a name but is a path, a number or a switch would only blot the recording. */
function isPlausible(value: string): boolean {
  return !/^(~?\/[\w.-]+\/|\.{1,2}\/|[A-Za-z]:\\|\d{1,15}$|true$|false$)/.test(value);
}

/** A header's credential: `Bearer x` is about `x`; of `Basic x` the password counts too. */
export function withoutScheme(value: string): string[] {
  const parts = /^\s*([A-Za-z][A-Za-z-]*)\s+(\S.*?)\s*$/.exec(value);
  if (!parts?.[1] || !parts[2]) return [value.trim()];
  if (parts[1].toLowerCase() !== "basic") return [parts[2]];
  const pair = Buffer.from(parts[2], "base64").toString();
  return [parts[2], pair, pair.slice(pair.indexOf(":") + 1)];
}

/** Percent-decoded where that is possible. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
