/**
 * One spool: frames in, bounded. When the recorder does not keep up, or the disk is full, frames
 * are dropped, counted, and the count is written as soon as something fits again: a gap that is
 * known, never a silent one.
 */

import { mkdirSync, statfsSync, type writevSync } from "node:fs";
import { join } from "node:path";
import { COPIED, FRAME_HEADER, frame, Kind, lengthOf, type About } from "./frame.ts";
import { randomHex } from "./random.ts";
import { Segments } from "./segments.ts";

/** A spool takes at most this many bytes that nobody has read yet, and half of the free space. */
const MAX_BOUND = 256 << 20;
/** A file is ended at this length; where the bound is small, at an eighth of it. */
const ROLL_AT = 8 << 20;
const MIN_ROLL_AT = 64 << 10;
/** How often a full spool is measured again, in milliseconds. */
const MEASURE_EVERY = 20;

/** Large and many; when space is short they go first, so that it stays known what happened. */
const BULK: ReadonlySet<number> = new Set([Kind.RequestBody, Kind.ResponseBody, Kind.Event]);
/** A longer frame about a file has its bytes. */
const ABOUT_FILE = 2 << 10;

export interface Limits {
  maxBound?: number;
  write?: typeof writevSync;
}

export class Spool {
  #segments: Segments;
  #maxBound: number;
  #bound = 0;
  /** As found when last measured, and what had been written by then. */
  #measured = { at: 0, used: 0, written: 0 };
  /** In which frames are made. */
  #space = new Uint8Array(COPIED);
  #lost = { frames: 0, bytes: 0, reason: "" };

  /**
   * Makes a new spool under `root`; throws where that is impossible. `hello` gives the payload that
   * each segment begins with.
   */
  constructor(root: string, hello: () => Uint8Array, limits: Limits = {}) {
    const folder = join(root, `${process.pid}-${randomHex(4)}`);
    mkdirSync(folder, { mode: 0o700 });
    this.#segments = new Segments(folder, () => frame(Kind.Hello, [hello()]), limits.write);
    this.#maxBound = limits.maxBound ?? MAX_BOUND;
    this.#measure();
  }

  /** Where it is at this moment. */
  get folder(): string {
    return this.#segments.folder;
  }

  /** Writes a frame, its payload whole or in parts; `false` if it was dropped (and counted). Never throws. */
  write(kind: number, payload: Uint8Array | Uint8Array[], about?: About): boolean {
    const parts = Array.isArray(payload) ? payload : [payload];
    const length = lengthOf(parts);
    if (!this.#fits(FRAME_HEADER + length, isBulk(kind, length))) {
      this.drop(length, "bound");
      return false;
    }
    this.#reportGap();
    if (this.#put(kind, parts, about)) return true;
    this.drop(length, "disk");
    return false;
  }

  /** The next frame begins a new file, in a new folder if need be. */
  roll(): void {
    this.#segments.roll();
  }

  /** Counts bytes that the caller gives up on. */
  drop(bytes: number, reason: "bound" | "disk" = "bound"): void {
    this.#lost.frames += 1;
    this.#lost.bytes += bytes;
    if (this.#lost.reason !== "disk") this.#lost.reason = reason;
  }

  #put(kind: number, payload: Uint8Array[], about?: About): boolean {
    if (!this.#segments.append(frame(kind, payload, about, this.#space))) return false;
    if (this.#segments.length >= Math.min(ROLL_AT, Math.max(MIN_ROLL_AT, this.#bound / 8))) {
      this.#segments.roll();
      this.#measure();
    }
    return true;
  }

  #fits(size: number, bulk: boolean): boolean {
    if (this.#room(bulk) >= size) return true;
    if (performance.now() - this.#measured.at < MEASURE_EVERY) return false;
    this.#measure();
    return this.#room(bulk) >= size;
  }

  /** The last eighth is for the small frames, which say what happened to the large ones. */
  #room(bulk: boolean): number {
    const { used, written } = this.#measured;
    const limit = bulk ? this.#bound - this.#bound / 8 : this.#bound;
    return limit - used - (this.#segments.written - written);
  }

  #measure(): void {
    this.#measured.at = performance.now();
    try {
      const used = this.#segments.size();
      this.#measured = { ...this.#measured, used, written: this.#segments.written };
      const { bavail, bsize } = statfsSync(this.folder);
      this.#bound = Math.min(this.#maxBound, Math.floor((used + bavail * bsize) / 2));
    } catch {
      this.#bound ||= this.#maxBound;
    }
  }

  #reportGap(): void {
    if (this.#lost.frames === 0) return;
    if (this.#put(Kind.Gap, [Buffer.from(JSON.stringify(this.#lost))])) {
      this.#lost = { frames: 0, bytes: 0, reason: "" };
    }
  }
}

function isBulk(kind: number, length: number): boolean {
  return BULK.has(kind) || (kind === Kind.File && length > ABOUT_FILE);
}
