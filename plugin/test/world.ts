/** A throw-away place for spools, and a `fetch` that is put back. For tests only. */

import { afterAll, afterEach, beforeEach } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSpool, type Frame } from "./read_spool.ts";

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "octrace-plugin-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * A recording that a test has left behind makes its spool a moment later, when the test's own environment is gone:
 * here, and not in anybody's home.
 */
const afterwards = join(import.meta.dir, "../../target/plugin-tests");
mkdirSync(afterwards, { recursive: true, mode: 0o700 });
process.env["XDG_RUNTIME_DIR"] = afterwards;
process.env["OCTRACE_BIN"] = join(afterwards, "no-such-recorder");
afterAll(() => rmSync(join(afterwards, "octrace"), { recursive: true, force: true }));

/** Sets the environment so that a `Recording` made in a test writes below `root()`. */
export function world() {
  const folder = temporaryFolder();
  const saved = { ...process.env };
  const originalFetch = globalThis.fetch;
  const own = Symbol.for("octrace");
  let count = 0;
  let runtime = "";

  beforeEach(() => {
    runtime = join(folder, String(++count));
    process.env["XDG_RUNTIME_DIR"] = runtime;
    process.env["XDG_DATA_HOME"] = join(runtime, "data");
    process.env["XDG_CONFIG_HOME"] = join(runtime, "config");
    process.env["OCTRACE_BIN"] = join(folder, "no-such-recorder");
    rmSync(runtime, { recursive: true, force: true });
    mkdirSync(runtime, { recursive: true, mode: 0o700 });
  });
  afterEach(() => {
    globalThis.fetch = originalFetch;
    delete (globalThis as { [own]?: unknown })[own];
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
    Object.assign(process.env, saved);
  });

  return {
    folder,
    runtime: () => runtime,
    spools(): string[] {
      const root = join(runtime, "octrace");
      return existsSync(root) ? readdirSync(root).map((name) => join(root, name)) : [];
    },
    frames(): Frame[] {
      return this.spools().flatMap(readSpool);
    },
    /** A program, as a shell script. */
    script(name: string, body: string): string {
      const path = join(folder, name);
      writeFileSync(path, `#!/bin/sh\n${body}\n`);
      chmodSync(path, 0o755);
      return path;
    },
  };
}

/** Waits for a condition; fails loudly where it never comes true. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await Bun.sleep(5);
  }
}
