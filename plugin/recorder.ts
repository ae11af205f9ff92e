/**
 * The recorder: `octrace record <spool>`, one for this process, kept alive while we live.
 *
 * It gets a pipe as its standard input that is never written. When OpenCode is gone, however it
 * died, the recorder reads the pipe's end and knows. So the child must stay referenced here.
 */

import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import type { Spool } from "./spool.ts";

/** Before the first restart, doubling up to the longest, in milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;
/** A recorder that lived this long was well; the pauses begin anew. */
const WELL_AFTER = 60_000;

export class Recorder {
  #spool: Spool;
  #home: string;
  #child: Bun.Subprocess | undefined;
  #pause = FIRST_PAUSE;

  /** For this spool, and the tape in `home`. */
  constructor(spool: Spool, home: string) {
    this.#spool = spool;
    this.#home = home;
  }

  /** Starts the recorder, and again whenever it ends. Never throws. */
  start(): void {
    const started = performance.now();
    try {
      const binary = binaryPath();
      if (!binary) return this.#again();
      // A recorder ends when its spool's folder has been deleted; the next frame makes it anew.
      if (!existsSync(this.#spool.folder)) this.#spool.roll();
      this.#child = Bun.spawn([binary, "record", this.#spool.folder], {
        cwd: "/",
        env: { ...process.env, OCTRACE_HOME: this.#home },
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

/** Asked anew each time, because a newer octrace may have been installed meanwhile. */
function binaryPath(): string | undefined {
  const fromEnv = process.env["OCTRACE_BIN"];
  return fromEnv ? resolve(fromEnv) : installed("binary");
}

/**
 * An absolute path from `recorder.json`, which octrace writes beside this file: `binary`, the recorder;
 * `home`, the folder of its tape. Throws where there is no such file.
 */
export function installed(what: "binary" | "home"): string | undefined {
  const text = readFileSync(join(import.meta.dir, "recorder.json"), "utf8");
  const path = (JSON.parse(text) as Partial<Record<typeof what, unknown>>)[what];
  return typeof path === "string" && isAbsolute(path) ? path : undefined;
}
