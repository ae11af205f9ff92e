/**
 * Stands in for the recorder: reads what the plugins wrote, deletes it, and sees whether all of it is there: a
 * recording that is cheap because it is missing would be no figure. It reads while nobody is measured.
 */

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Kind, SEGMENT_HEADER } from "../frame.ts";
import { scan, segmentNames } from "../test/read_spool.ts";

export class Reader {
  #spools: string;
  /** Of each segment, in bytes; by its path. */
  #positions = new Map<string, number>();

  /** Of all spools in this folder. */
  constructor(spools: string) {
    this.#spools = spools;
  }

  /** The bytes in frames of each kind that were written since it was last asked; all segments but the newest go. */
  read(): Map<number, number> {
    const bytes = new Map<number, number>();
    for (const spool of this.#all()) {
      const segments = segmentNames(spool);
      for (const segment of segments) {
        const path = join(spool, segment);
        const whole = readFileSync(path);
        const { frames, tail } = scan(whole.subarray(this.#positions.get(path) ?? SEGMENT_HEADER));
        if (tail.state !== "clean") throw new Error(`${path} is not whole: ${tail.state}`);
        for (const { kind, payload } of frames) bytes.set(kind, (bytes.get(kind) ?? 0) + payload.length);
        this.#positions.set(path, whole.length);
        if (segment !== segments.at(-1)) rmSync(path);
      }
    }
    if (bytes.has(Kind.Gap)) throw new Error("the plugin had no room for all that it was to record");
    return bytes;
  }

  /** All spools go: their writers are gone. */
  clear(): void {
    for (const spool of this.#all()) rmSync(spool, { recursive: true });
  }

  #all(): string[] {
    return existsSync(this.#spools) ? readdirSync(this.#spools).map((name) => join(this.#spools, name)) : [];
  }
}
