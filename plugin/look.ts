/**
 * A look at a file, which nobody can notice: nothing is waited for, opened for writing, or left open, and nothing but a
 * regular file is opened at all. (To open one end of a named pipe is enough to wake whoever waits at the other.)
 */

import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync, statSync, type Stats } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;

/** So many parents and links of a path that is not there are followed. */
const LIMIT = 64;

/** As in `octrace-wire`'s `File`. */
export interface Look {
  path: string;
  found: "bytes" | "same" | "absent" | "large" | "other" | "unreadable";
  size: number;
  changed_us: number | null;
}

/** By what it shows that a file has changed. A change's own time may be set at will; the inode's may not. */
export type Stamp = Pick<Stats, "ino" | "size" | "mtimeMs" | "ctimeMs">;

const ABSENT = { size: 0, changed_us: null };

/**
 * What is at `named`, an absolute path, now; and its bytes, where they are at most `limit`. They stay what they are until
 * the next look. A file is not opened of which `isSame` says that nothing has changed. Never throws.
 */
export function look(
  named: string,
  limit: number,
  isSame?: (path: string, stamp: Stamp) => boolean,
): { seen: Look; bytes?: Uint8Array<ArrayBuffer>; stamp?: Stamp } {
  let path = named;
  let file = -1;
  try {
    path = realPath(named);
    const before = statSync(path);
    if (!before.isFile()) return { seen: { path, found: "other", ...ABSENT } };
    if (isSame?.(path, before)) return { seen: { path, found: "same", ...said(before) }, stamp: before };
    file = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const stat = fstatSync(file);
    if (!stat.isFile()) return { seen: { path, found: "other", ...ABSENT } };
    if (stat.size > limit) return { seen: { path, found: "large", ...said(stat) }, stamp: stat };
    const bytes = read(file, stat.size);
    return { seen: { path, found: "bytes", ...said(stat), size: bytes.length }, bytes, stamp: stat };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const found = code === "ENOENT" || code === "ENOTDIR" ? "absent" : "unreadable";
    return { seen: { path, found, ...ABSENT } };
  } finally {
    if (file >= 0) closeSync(file);
  }
}

/** What is at a real path, if anything can be seen there. Never throws. */
export function stampAt(path: string): Stamp | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** A file that is moved, or copied with its times, comes with times of its own; that of its inode is new. */
function said({ size, ctimeMs }: Stats) {
  return { size, changed_us: Math.floor(ctimeMs * 1000) };
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
