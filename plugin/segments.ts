/**
 * The files of one spool. Appends whole frames, and begins a new file when the current one is long
 * enough or when a write was torn, so that only the end of a file can be damaged. The recorder
 * deletes files it has read, never the newest.
 *
 * Written synchronously: OpenCode dies within 0.2 s of a signal and runs no callback, so whatever
 * waits in a buffer then is lost.
 */

import { closeSync, constants, mkdirSync, openSync, readdirSync, statSync, unlinkSync, writeSync, writevSync } from "node:fs";
import { basename, join } from "node:path";
import { lengthOf, segmentHeader, segmentName } from "./frame.ts";
import { spoolRoot } from "./root.ts";

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** After the disk has refused, it is left in peace for this long, doubling, in milliseconds. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

export class Segments {
  /** Where the files are; elsewhere once somebody has taken that place away. */
  folder: string;
  /** Length of the current file. */
  length = 0;
  /** Bytes written to all files so far. */
  written = 0;
  #opening: () => Uint8Array[];
  #openingLength = 0;
  #number = 0;
  #file = -1;
  #pause = FIRST_PAUSE;
  #pausedUntil = 0;
  #write: typeof writevSync;

  /**
   * `opening` gives the first frame of each file; `write` is replaced in tests, which need a disk
   * that is full.
   */
  constructor(folder: string, opening: () => Uint8Array[], write: typeof writevSync = writeParts) {
    this.folder = folder;
    this.#opening = opening;
    this.#write = write;
  }

  /**
   * Writes a frame whole, if need be again in a new file; `false` when the disk does not take it.
   * Never throws.
   */
  append(frame: Uint8Array[]): boolean {
    if (this.#file < 0 && !this.#begin()) return false;
    if (this.#whole(frame)) return true;
    return this.#begin() && this.#whole(frame);
  }

  /** Ends the current file; the next frame begins another. */
  roll(): void {
    if (this.#file < 0) return;
    const file = this.#file;
    this.#file = -1;
    this.length = 0;
    this.#openingLength = 0;
    try {
      closeSync(file);
    } catch {
      // Every write has been checked already.
    }
  }

  /** What the files of this spool take up, in bytes; those that the recorder has read are gone. */
  size(): number {
    let sum = 0;
    for (const name of readdirSync(this.folder)) {
      if (!name.endsWith(".seg")) continue;
      sum += statSync(join(this.folder, name), { throwIfNoEntry: false })?.size ?? 0;
    }
    return sum;
  }

  #begin(): boolean {
    if (performance.now() < this.#pausedUntil) return false;
    const number = this.#number + 1;
    const path = join(this.folder, segmentName(number));
    try {
      this.#file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o600);
      if (!this.#whole([segmentHeader(number), ...this.#opening()])) {
        unlinkSync(path);
        return false;
      }
      this.#openingLength = this.length;
      this.#number = number;
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") this.#number = number;
      if (code === "ENOENT" && this.#makeFolderAgain()) return this.#begin();
      this.#refuse();
      return false;
    }
  }

  /** Somebody has cleaned up, or logged out. What was there is lost; what comes need not be. */
  #makeFolderAgain(): boolean {
    try {
      const root = spoolRoot();
      if (!root) return false;
      this.folder = join(root, basename(this.folder));
      mkdirSync(this.folder, { mode: 0o700 });
      return true;
    } catch {
      return false;
    }
  }

  /** Writes all of `parts`; otherwise the current file is over. */
  #whole(parts: Uint8Array[]): boolean {
    const wanted = lengthOf(parts);
    try {
      if (this.#write(this.#file, parts) === wanted) {
        this.length += wanted;
        this.written += wanted;
        if (this.#openingLength > 0) this.#pause = FIRST_PAUSE;
        return true;
      }
    } catch {
      // Nothing was written, or nobody knows how much: the same as a torn write.
    }
    const isNew = this.length === this.#openingLength;
    this.roll();
    if (isNew) this.#refuse();
    return false;
  }

  #refuse(): void {
    this.#pausedUntil = performance.now() + this.#pause;
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }
}

/** A single piece of memory is written faster as such. */
function writeParts(file: number, parts: readonly NodeJS.ArrayBufferView[]): number {
  const [first] = parts;
  return first && parts.length === 1 ? writeSync(file, first) : writevSync(file, parts);
}
