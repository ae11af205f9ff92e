/** Reads spools, for tests only: the real reader is `octrace-wire`. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { FRAME_HEADER, MAX_PAYLOAD, SEGMENT_HEADER, segmentHeader } from "../frame.ts";

export interface Frame {
  kind: number;
  flags: number;
  exchange: number;
  wall: number;
  mono: number;
  payload: Buffer;
  segment: number;
}

export interface Scan {
  frames: Frame[];
  tail: { state: "clean" | "partial" | "checksum" | "too_long"; bytes: number };
}

/** The frames in `bytes`, which begin at a frame. */
export function scan(bytes: Buffer, segment = 0): Scan {
  const frames: Frame[] = [];
  let at = 0;
  const tail = (state: Scan["tail"]["state"]): Scan => ({ frames, tail: { state, bytes: bytes.length - at } });
  while (at < bytes.length) {
    if (bytes.length - at < FRAME_HEADER) return tail("partial");
    const length = bytes.readUInt32LE(at);
    if (length > MAX_PAYLOAD) return tail("too_long");
    const end = at + FRAME_HEADER + length;
    if (end > bytes.length) return tail("partial");
    if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32LE(at + 4)) return tail("checksum");
    frames.push({
      kind: bytes.readUInt8(at + 8),
      flags: bytes.readUInt8(at + 9),
      exchange: bytes.readUInt32LE(at + 12),
      wall: Number(bytes.readBigUInt64LE(at + 16)),
      mono: Number(bytes.readBigUInt64LE(at + 24)),
      payload: bytes.subarray(at + FRAME_HEADER, end),
      segment,
    });
    at = end;
  }
  return tail("clean");
}

export function segmentNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".seg"))
    .sort();
}

/** All whole frames of a spool, in order. */
export function readSpool(folder: string): Frame[] {
  return segmentNames(folder).flatMap((name) => {
    const bytes = readFileSync(join(folder, name));
    const number = Number(name.slice(0, -4));
    if (!bytes.subarray(0, SEGMENT_HEADER).equals(segmentHeader(number))) throw new Error(`${name}: bad header`);
    return scan(bytes.subarray(SEGMENT_HEADER), number).frames;
  });
}

export function json(frame: Frame | undefined): any {
  return JSON.parse(frame?.payload.toString() ?? "null");
}
