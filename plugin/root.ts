/**
 * Where spools are: a folder that belongs to us alone, in memory where the system has such a place,
 * because what is in a spool has not been redacted yet.
 */

import { lstatSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The folder for all spools of this user, created if need be; `undefined`: there is no safe place. */
export function spoolRoot(env = process.env): string | undefined {
  for (const { path, parents } of candidates(env)) {
    try {
      if (parents) mkdirSync(path, { recursive: true, mode: 0o700 });
      else makeFolder(path);
      if (isPrivate(path)) return path;
    } catch {
      // The next one may do.
    }
  }
  return undefined;
}

function* candidates(env: NodeJS.ProcessEnv): Generator<{ path: string; parents: boolean }> {
  const runtime = env["XDG_RUNTIME_DIR"];
  if (runtime && isAbsolute(runtime) && isOurFolder(runtime)) {
    yield { path: join(runtime, "octrace"), parents: false };
  }
  if (process.platform === "linux") {
    yield { path: `/dev/shm/octrace-${process.getuid?.()}`, parents: false };
  }
  const state = env["XDG_STATE_HOME"];
  const home = state && isAbsolute(state) ? state : join(env["HOME"] || homedir(), ".local/state");
  yield { path: join(home, "octrace/spool"), parents: true };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** A real folder of ours, not a link to one. */
function isOurFolder(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === process.getuid?.();
}

/** Ours, and closed to everybody else. */
function isPrivate(path: string): boolean {
  return isOurFolder(path) && (lstatSync(path).mode & 0o077) === 0;
}
