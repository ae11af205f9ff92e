/**
 * A look at a file, which nobody can notice: nothing is waited for, opened for writing, or left open, and nothing but a
 * regular file is opened at all. (To open one end of a named pipe is enough to wake whoever waits at the other.)
 */

import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;

/** So many parents and links of a path that is not there are followed. */
const LIMIT = 64;

/** As in `octrace-wire`'s `File`. */
export interface Look {
  path: string;
  found: "bytes" | "absent" | "large" | "other" | "unreadable";
  size: number;
  changed_us: number | null;
}

const ABSENT = { size: 0, changed_us: null };

/**
 * What is at `named`, an absolute path, now; and its bytes, where they are at most `limit`. They stay what they are until
 * the next look. Never throws.
 */
export function look(named: string, limit: number): { seen: Look; bytes?: Uint8Array<ArrayBuffer> } {
  let path = named;
  let file = -1;
  try {
    path = realPath(named);
    const before = statSync(path);
    if (!before.isFile()) return { seen: { path, found: "other", ...ABSENT } };
    file = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const stat = fstatSync(file);
    const { size } = stat;
    const changed_us = Math.floor(stat.mtimeMs * 1000);
    if (!stat.isFile()) return { seen: { path, found: "other", ...ABSENT } };
    if (size > limit) return { seen: { path, found: "large", size, changed_us } };
    const bytes = read(file, size);
    return { seen: { path, found: "bytes", size: bytes.length, changed_us }, bytes };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const found = code === "ENOENT" || code === "ENOTDIR" ? "absent" : "unreadable";
    return { seen: { path, found, ...ABSENT } };
  } finally {
    if (file >= 0) closeSync(file);
  }
}

/** The file's bytes, as many as there were when it was opened. */
function read(file: number, size: number): Uint8Array<ArrayBuffer> {
  if (size > space.length) space = new Uint8Array(2 ** Math.ceil(Math.log2(size)));
  let length = 0;
  while (length < size) {
    const more = readSync(file, space, length, size - length, null);
    if (more === 0) break;
    length += more;
  }
  return space.subarray(0, length);
}

/** Used again and again: new memory for each look would cost more than reading. */
let space = new Uint8Array(256 << 10);

/** `path` without links. Of one that is not there: where it would be. */
function realPath(path: string, depth = 0): string {
  try {
    return realpathSync(path);
  } catch {
    if (depth > LIMIT) throw new Error("a path with so many parents and links that are not there");
  }
  const parent = dirname(path);
  if (parent === path) return path;
  const place = join(realPath(parent, depth + 1), basename(path));
  let target: string;
  try {
    target = readlinkSync(place);
  } catch {
    return place;
  }
  return realPath(resolve(dirname(place), target), depth + 1);
}
