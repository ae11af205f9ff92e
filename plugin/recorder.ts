/**
 * The recorder: `octrace record <spool>`, one for this process, kept alive while we live.
 *
 * It gets a pipe as its standard input that is never written. When OpenCode is gone, however it
 * died, the recorder reads the pipe's end and knows. So the child must stay referenced here.
 */

import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";

/** Before the first restart, doubling up to the longest, in milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;
/** A recorder that lived this long was well; the pauses begin anew. */
const WELL_AFTER = 60_000;

export class Recorder {
  #folder: string;
  #missing: () => void;
  #child: Bun.Subprocess | undefined;
  #pause = FIRST_PAUSE;

  /** `missing` is called when the spool's folder has been deleted, which a recorder notices by its end. */
  constructor(folder: string, missing: () => void) {
    this.#folder = folder;
    this.#missing = missing;
  }

  /** Starts the recorder, and again whenever it ends. Never throws. */
  start(): void {
    const started = performance.now();
    try {
      const binary = binaryPath();
      if (!binary) return this.#again();
      if (!existsSync(this.#folder)) this.#missing();
      this.#child = Bun.spawn([binary, "record", this.#folder], {
        cwd: "/",
        env: process.env,
        stdin: "pipe",
        stdout: "ignore",
        stderr: "ignore",
        detached: true,
        onExit: () => {
          if (performance.now() - started >= WELL_AFTER) this.#pause = FIRST_PAUSE;
          this.#again();
        },
      });
      this.#child.unref();
    } catch {
      this.#again();
    }
  }

  #again(): void {
    this.#child = undefined;
    setTimeout(() => this.start(), this.#pause).unref();
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }
}

/**
 * Asked anew each time, because a newer octrace may have been installed meanwhile. `octrace install`
 * writes `recorder.json` beside this file.
 */
function binaryPath(): string | undefined {
  const fromEnv = process.env["OCTRACE_BIN"];
  if (fromEnv) return resolve(fromEnv);
  const { binary } = JSON.parse(readFileSync(join(import.meta.dir, "recorder.json"), "utf8")) as {
    binary?: unknown;
  };
  return typeof binary === "string" && isAbsolute(binary) ? binary : undefined;
}
