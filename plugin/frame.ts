/**
 * The bytes of a frame and of a segment's header. Specified in `crates/octrace-wire`
 * (`frame.rs`, `segment.rs`), which reads what this file writes; `fixtures/wire` holds the vectors
 * that both must agree with.
 */

/** The version of the format. */
export const VERSION = 1;

/** Bytes before each payload. */
export const FRAME_HEADER = 32;

/** Longer payloads are written as several frames. */
export const MAX_PAYLOAD = 4 << 20;

/** Flag: a part of the payload was left out to keep within a bound. */
export const FLAG_CUT = 1;

/** Flag: the last frame of a request's body. */
export const FLAG_LAST = 2;

export const Kind = {
  Hello: 1,
  Instance: 2,
  Secrets: 3,
  Request: 4,
  RequestBody: 5,
  Response: 6,
  ResponseBody: 7,
  End: 8,
  Event: 9,
  Hook: 10,
  Gap: 11,
  Bye: 12,
  Diagnostic: 13,
  Intercept: 14,
  File: 15,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

export interface Head {
  kind: number;
  flags: number;
  /** From 1; 0: none. */
  exchange: number;
  /** Microseconds since the Unix epoch. */
  wall: number;
  /** Microseconds on a clock that never jumps. */
  mono: number;
}

/**
 * A clock in microseconds since the Unix epoch, of which the system gives us but the milliseconds: within one of those
 * it goes on, so that it says of two frames which was first. It never leaves the millisecond, and jumps as that does.
 */
export function microseconds(wall = Date.now, steady = () => performance.now()): (at?: number) => number {
  let [millisecond, since] = [NaN, 0];
  return (at = steady()) => {
    const now = wall();
    if (now !== millisecond) {
      millisecond = now;
      since = at;
    }
    return now * 1000 + Math.min(999, Math.max(0, Math.floor((at - since) * 1000)));
  };
}

const wallClock = microseconds();

/** When something happened, as a frame's head says it. */
export type Moment = Pick<Head, "wall" | "mono">;

export function now(): Moment {
  const at = performance.now();
  return { wall: wallClock(at), mono: Math.floor(at * 1000) };
}

/** A payload up to this length is copied behind its header: to write two pieces of memory costs more. */
export const COPIED = 16 << 10;

export interface About {
  exchange?: number;
  flags?: number;
  /** Now, if nothing is said. */
  at?: Moment | undefined;
}

/**
 * A frame, as the parts to write. It is made in `space` where that is given, {@link COPIED} bytes, and stays what it is
 * until another one is made there.
 */
export function frame(kind: number, payload: Uint8Array[], about: About = {}, space?: Uint8Array): Uint8Array[] {
  const { exchange = 0, flags = 0, at = now() } = about;
  const header = fillHeader({ kind, flags, exchange, wall: at.wall, mono: at.mono }, payload);
  const length = FRAME_HEADER + lengthOf(payload);
  const isCopied = length <= COPIED;
  const size = isCopied ? length : FRAME_HEADER;
  const first = space ? space.subarray(0, size) : new Uint8Array(size);
  first.set(header);
  if (!isCopied) return [first, ...payload];
  let end = FRAME_HEADER;
  for (const part of payload) {
    first.set(part, end);
    end += part.length;
  }
  return [first];
}

/** The 32 bytes that go before `payload`. */
export function frameHeader(head: Head, payload: Uint8Array): Uint8Array {
  return fillHeader(head, [payload]).slice();
}

const header = new Uint8Array(FRAME_HEADER);
const behindSum = header.subarray(8);
const fields = new DataView(header.buffer);

/** In memory that is used again for the next header: a frame is made for each chunk of an answer. */
function fillHeader(head: Head, payload: Uint8Array[]): Uint8Array {
  fields.setUint32(0, lengthOf(payload), true);
  fields.setUint8(8, head.kind);
  fields.setUint8(9, head.flags);
  fields.setUint32(12, head.exchange, true);
  setUint64(fields, 16, head.wall);
  setUint64(fields, 24, head.mono);
  let sum = Bun.hash.crc32(behindSum);
  for (const part of payload) sum = Bun.hash.crc32(part, sum);
  fields.setUint32(4, sum, true);
  return header;
}

/** Of all parts together, in bytes. */
export function lengthOf(parts: Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) sum += part.length;
  return sum;
}

/** Bytes before the first frame of a segment. */
export const SEGMENT_HEADER = 16;

/** The first bytes of segment `number`. */
export function segmentHeader(number: number): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER);
  const view = new DataView(bytes.buffer);
  bytes.set([0x4f, 0x43, 0x54, 0x53]); // "OCTS"
  view.setUint16(4, VERSION, true);
  setUint64(view, 8, number);
  return bytes;
}

/** The file name of segment `number`. */
export function segmentName(number: number): string {
  return `${String(number).padStart(8, "0")}.seg`;
}

/** Exact up to 2^53, which is 285 years of microseconds; `BigInt` would cost more than the rest. */
function setUint64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  view.setUint32(at, value - high * 0x1_0000_0000, true);
  view.setUint32(at + 4, high, true);
}
