/**
 * Stands in for the recorder: reads what the plugins wrote, deletes it, and sees whether all of it is there: a
 * recording that is cheap because it is missing would be no figure. In the orchestrating process, so that what it
 * costs is nobody else's.
 */

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Kind, SEGMENT_HEADER } from "../frame.ts";
import { scan, segmentNames } from "../test/read_spool.ts";

/** In milliseconds. */
const LOOKS_EVERY = 20;

export class Reader {
  #spools: string;
  #bytes = new Map<number, number>();
  #timer = setInterval(() => this.#read("finished"), LOOKS_EVERY);

  /** Of all spools in this folder. */
  constructor(spools: string) {
    this.#spools = spools;
  }

  /** All that has been written is read and gone: the bytes in frames of each kind. */
  finish(): Map<number, number> {
    this.#read("all");
    const bytes = this.#bytes;
    this.#bytes = new Map();
    if (bytes.has(Kind.Gap)) throw new Error("the plugin had no room for all that it was to record");
    return bytes;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #read(which: "finished" | "all"): void {
    if (!existsSync(this.#spools)) return;
    for (const name of readdirSync(this.#spools)) {
      const spool = join(this.#spools, name);
      const segments = segmentNames(spool);
      for (const segment of which === "all" ? segments : segments.slice(0, -1)) {
        const path = join(spool, segment);
        const { frames, tail } = scan(readFileSync(path).subarray(SEGMENT_HEADER));
        if (tail.state !== "clean") throw new Error(`${path} is not whole: ${tail.state}`);
        for (const { kind, payload } of frames) this.#bytes.set(kind, (this.#bytes.get(kind) ?? 0) + payload.length);
        rmSync(path);
      }
      if (which === "all") rmSync(spool, { recursive: true });
    }
  }
}
