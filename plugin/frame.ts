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
export function microseconds(wall = Date.now, steady = () => performance.now()): () => number {
  let [millisecond, since] = [NaN, 0];
  return () => {
    const [now, at] = [wall(), steady()];
    if (now !== millisecond) [millisecond, since] = [now, at];
    return now * 1000 + Math.min(999, Math.max(0, Math.floor((at - since) * 1000)));
  };
}

const wallClock = microseconds();

/** A frame of now, as the parts to write. */
export function frame(kind: number, payload: Uint8Array[], exchange = 0, flags = 0): Uint8Array[] {
  const wall = wallClock();
  const mono = Math.floor(performance.now() * 1000);
  return [frameHeader({ kind, flags, exchange, wall, mono }, ...payload), ...payload];
}

/** The 32 bytes that go before `payload`, given whole or in parts. */
export function frameHeader(head: Head, ...payload: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, lengthOf(payload), true);
  view.setUint8(8, head.kind);
  view.setUint8(9, head.flags);
  view.setUint32(12, head.exchange, true);
  setUint64(view, 16, head.wall);
  setUint64(view, 24, head.mono);
  const { crc32 } = Bun.hash;
  view.setUint32(4, payload.reduce((sum, part) => crc32(part, sum), crc32(bytes.subarray(8))), true);
  return bytes;
}

/** Of all parts together, in bytes. */
export function lengthOf(parts: Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
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
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}
