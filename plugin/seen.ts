/** What was seen of files last, and written: what is the same is not written again, and where that is sure not read either. */

import { MAX_PAYLOAD } from "./frame.ts";
import { look, stampAt, type Look, type Stamp } from "./look.ts";
import { randomBytes } from "./random.ts";
import type { Recording } from "./recording.ts";

/** In a frame of file bytes there is so much room for what is said about them. */
const ABOUT = 32 << 10;

/** Files that are remembered. */
const FILES = 4096;

/** A file system may give two changes of a file the same time when there are fewer milliseconds between them. */
const TICK = 100;

/** What there is to say of a look besides what was found. */
export interface Occasion {
  directory: string;
  session: string;
  call: string;
  tool: string;
  moment: "before" | "permitted" | "after";
}

interface Last {
  /** Of the bytes that a frame of this spool last had of it. */
  hash: bigint | undefined;
  /** What the file system said of it; `undefined`: there was no file. */
  stamp: Stamp | undefined;
  /** It changed so long before that each further change shows in the stamp. */
  isSettled: boolean;
}

/** Whether a look is to be told. `isNews`: what was told of the file last was something else. */
export type IsTold = (found: Look["found"], isNews: boolean) => boolean;

export class Seen {
  #recording: Recording;
  /** By the file's real path; in the order in which they were looked at. */
  #files = new Map<string, Last>();
  #seed = new DataView(randomBytes(8).buffer).getBigUint64(0);

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** Reads the file, whatever the file system says of it, and writes what is there. */
  note(occasion: Occasion, named: string, limit: number): { read: number } {
    return this.#note(occasion, named, limit, () => true);
  }

  /** The same, but does not read it where it is sure that nothing has changed; `isTold` says whether to write. */
  glance(occasion: Occasion, named: string, limit: number, isTold: IsTold): { path: string; told: boolean; read: number } {
    return this.#note(occasion, named, limit, isTold, (path, stamp) => {
      const last = this.#files.get(path);
      return last?.hash !== undefined && isUnchanged(last, stamp);
    });
  }

  /** Whether there is something at this path, or was when it was looked at. */
  isOfInterest(path: string): boolean {
    return this.#files.has(path) || stampAt(path) !== undefined;
  }

  /** Of the files that were looked at last, at most so many: those that may have changed since. */
  changed(most: number): string[] {
    const files = [...this.#files].slice(-most);
    return files.filter(([path, last]) => !isUnchanged(last, stampAt(path))).map(([path]) => path);
  }

  #note(occasion: Occasion, named: string, limit: number, isTold: IsTold, isSame?: (path: string, stamp: Stamp) => boolean) {
    const { seen, bytes, stamp } = look(named, Math.min(limit, MAX_PAYLOAD - ABOUT), isSame);
    const { path, found } = seen;
    const last = this.#files.get(path);
    const hash = bytes ? Bun.hash.wyhash(bytes, this.#seed) : found === "same" ? last?.hash : undefined;
    const about = { ...occasion, ...seen, named: path === named ? "" : named, hash: hash?.toString(16) };
    const isNews = found === "absent" ? last?.stamp !== undefined : hash === undefined || !last?.stamp || hash !== last.hash;
    const told = isTold(found, isNews);
    let written = last?.hash;
    if (told && bytes && hash !== last?.hash) {
      written = this.#recording.file(about, bytes) ? hash : undefined;
      // That it could not be told what is there must be told: else it would look as if nothing had happened before.
      if (written === undefined) this.#recording.file({ ...about, found: "large" });
    } else if (told) {
      this.#recording.file(bytes ? { ...about, found: "same" } : about);
    }
    if (told || (last && !isNews)) this.#remember(seen, written, stamp);
    return { path, told, read: bytes?.length ?? 0 };
  }

  #remember({ path, found }: Look, hash: bigint | undefined, stamp: Stamp | undefined): void {
    if (found === "other" || found === "unreadable") return;
    const isSettled = !stamp || Date.now() - stamp.ctimeMs > TICK;
    this.#files.delete(path);
    bound(this.#files, FILES);
    this.#files.set(path, { hash, stamp, isSettled });
  }
}

function isUnchanged({ stamp, isSettled }: Last, now: Stamp | undefined): boolean {
  if (!stamp || !now) return stamp === now;
  const isEqual = stamp.ino === now.ino && stamp.size === now.size && stamp.mtimeMs === now.mtimeMs && stamp.ctimeMs === now.ctimeMs;
  return isSettled && isEqual;
}

/** Makes room for one more: the oldest goes. */
export function bound(map: Map<string, unknown>, limit: number): void {
  if (map.size < limit) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
