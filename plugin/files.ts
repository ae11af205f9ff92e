/**
 * The evidence for which lines the agent wrote: what the files that a tool is about to change contain, what they
 * contain when a person has permitted it (who may have changed them meanwhile), and what they contain afterwards.
 *
 * Reading is synchronous, because only then it is certain that nothing happens between the look and the tool; it is
 * bounded, and what a frame has said already is not said again.
 */

import type { OpenCodeEvent } from "./events.ts";
import { MAX_PAYLOAD } from "./frame.ts";
import { look } from "./look.ts";
import { randomBytes } from "./random.ts";
import type { Recording } from "./recording.ts";
import { namesItsFiles, targets } from "./targets.ts";

/** In a frame of file bytes there is so much room for what is said about them. */
const ABOUT = 32 << 10;

/** The most that is read for one moment of one call, in bytes. */
const MOST = 4 * MAX_PAYLOAD;

/** Calls and permissions that are remembered: more than can be on their way at once. */
const CALLS = 256;

/** Files whose last bytes are remembered, by their hashes. */
const FILES = 4096;

/** A tool call, as OpenCode's hooks tell of it. */
export interface ToolCall {
  tool: string;
  sessionID: string;
  callID: string;
}

type Moment = "before" | "permitted" | "after";

/** A call between its begin and its end. */
interface Open {
  directory: string;
  call: ToolCall;
  targets: Set<string>;
}

export class Files {
  #recording: Recording;
  #open = new Map<string, Open>();
  /** By the id of the permission that a person is asked for: the call's key. */
  #asked = new Map<string, string>();
  /** By the file's path: the hash of the bytes that a frame of this spool last had. */
  #written = new Map<string, bigint>();
  #seed = new DataView(randomBytes(8).buffer).getBigUint64(0);

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** A call is about to begin, unless a person has to be asked first. */
  before(directory: string, call: ToolCall, args: unknown): void {
    if (!namesItsFiles(call.tool)) return;
    const open = { directory, call, targets: targets(call.tool, directory, args) };
    bound(this.#open, CALLS);
    this.#open.set(key(call.sessionID, call.callID), open);
    this.#note(open, "before");
  }

  /** A call has ended well, with this in the metadata of its result. */
  after(directory: string, call: ToolCall, args: unknown, result: unknown): void {
    if (!namesItsFiles(call.tool)) return;
    this.#open.delete(key(call.sessionID, call.callID));
    this.#note({ directory, call, targets: targets(call.tool, directory, args, result) }, "after");
  }

  /** OpenCode goes on only when this has returned. */
  event({ type, properties }: OpenCodeEvent): void {
    switch (type) {
      case "permission.asked": {
        const { id, sessionID, tool } = properties as { id: string; sessionID: string; tool?: { callID: string } };
        const call = key(sessionID, tool?.callID ?? "");
        if (!this.#open.has(call)) return;
        bound(this.#asked, CALLS);
        this.#asked.set(id, call);
        return;
      }
      case "permission.replied": {
        const { requestID, reply } = properties as { requestID: string; reply: string };
        const open = this.#open.get(this.#asked.get(requestID) ?? "");
        this.#asked.delete(requestID);
        if (open && reply !== "reject") this.#note(open, "permitted");
        return;
      }
      case "message.part.updated": {
        const { part } = properties as { part: { type: string; sessionID: string; callID: string; state?: { status: string } } };
        if (part.type === "tool" && part.state?.status === "error") this.#open.delete(key(part.sessionID, part.callID));
        return;
      }
      case "session.idle": {
        const { sessionID } = properties as { sessionID: string };
        for (const [key, { call }] of this.#open) if (call.sessionID === sessionID) this.#open.delete(key);
      }
    }
  }

  #note({ directory, call, targets }: Open, moment: Moment): void {
    let left = MOST;
    for (const named of targets) {
      const { seen, bytes } = look(named, Math.min(left, MAX_PAYLOAD - ABOUT));
      left -= bytes?.length ?? 0;
      const about = {
        directory,
        session: call.sessionID,
        call: call.callID,
        tool: call.tool,
        moment,
        ...seen,
        named: seen.path === named ? "" : named,
      };
      this.#write(about, bytes);
    }
  }

  #write(about: { path: string }, bytes: Uint8Array<ArrayBuffer> | undefined): void {
    if (!bytes) {
      this.#recording.file(about);
      return;
    }
    const hash = Bun.hash.wyhash(bytes, this.#seed);
    const hashed = { ...about, hash: hash.toString(16) };
    if (this.#written.get(about.path) === hash) {
      this.#recording.file({ ...hashed, found: "same" });
      return;
    }
    this.#written.delete(about.path);
    if (this.#recording.file(hashed, bytes)) {
      bound(this.#written, FILES);
      this.#written.set(about.path, hash);
    } else {
      // That it could not be told what is there must be told: else it would look as if nothing had happened before.
      this.#recording.file({ ...hashed, found: "large" });
    }
  }
}

function key(session: string, call: string): string {
  return `${session} ${call}`;
}

/** Makes room for one more: the oldest goes. */
function bound(map: Map<string, unknown>, limit: number): void {
  if (map.size < limit) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
