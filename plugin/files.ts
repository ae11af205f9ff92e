/**
 * The evidence for which lines the agent wrote: what the files that a tool is about to change contain, what they
 * contain when a person has permitted it (who may have changed them meanwhile), and what they contain afterwards.
 *
 * A shell may change any file. Of those that its command names, and of those that were looked at before, it is seen what
 * they contain right before its process starts: what a person has changed while the model was thinking is in no
 * snapshot of OpenCode's before that.
 *
 * Reading is synchronous, because only then it is certain that nothing happens between the look and the tool; it is
 * bounded, and what a frame has said already is not said again.
 */

import { namedBy } from "./command.ts";
import type { OpenCodeEvent } from "./events.ts";
import { MAX_PAYLOAD } from "./frame.ts";
import type { Recording } from "./recording.ts";
import { bound, Seen, type Occasion } from "./seen.ts";
import { isShell, namesItsFiles, targets } from "./targets.ts";

/** The most that is read for one moment of one call, in bytes; of a shell's call, which is often and needs little. */
const MOST = 4 * MAX_PAYLOAD;
const MOST_OF_SHELL = MAX_PAYLOAD;

/** So many of the files that were looked at before are looked at again for a shell. */
const KNOWN = 192;

/** Calls and permissions that are remembered: more than can be on their way at once. */
const CALLS = 256;

/** A tool call, as OpenCode's hooks tell of it. */
export interface ToolCall {
  tool: string;
  sessionID: string;
  callID: string;
}

type Moment = Occasion["moment"];

/** A call between its begin and its end. */
interface Open {
  directory: string;
  call: ToolCall;
  targets: Set<string>;
  shell?: Shell;
}

interface Shell {
  command: string;
  /** Its process has started; these files were seen then that its command names. `true`: it may make the file. */
  named?: Map<string, boolean>;
}

export class Files {
  #seen: Seen;
  #open = new Map<string, Open>();
  /** By the id of the permission that a person is asked for: the call's key. */
  #asked = new Map<string, string>();

  constructor(recording: Recording) {
    this.#seen = new Seen(recording);
  }

  /** A call is about to begin, unless a person has to be asked first. */
  before(directory: string, call: ToolCall, args: unknown): void {
    const open: Open = { directory, call, targets: new Set() };
    if (namesItsFiles(call.tool)) {
      open.targets = targets(call.tool, directory, args);
    } else if (isShell(call.tool)) {
      const { command } = (args ?? {}) as { command?: unknown };
      open.shell = { command: typeof command === "string" ? command : "" };
    } else {
      return;
    }
    bound(this.#open, CALLS);
    this.#open.set(key(call.sessionID, call.callID), open);
    this.#note(open, "before");
  }

  /** A process is about to start in this directory. Of those that no call starts, but a person, nothing is seen. */
  starts(cwd: string, session: string, call: string): void {
    const open = this.#open.get(key(session, call));
    if (!open?.shell) return;
    open.shell.named = this.#glance(open, "permitted", namedBy(open.shell.command, cwd));
  }

  /** A call has ended well, with this in the metadata of its result. */
  after(directory: string, call: ToolCall, args: unknown, result: unknown): void {
    const id = key(call.sessionID, call.callID);
    const open = this.#open.get(id);
    this.#open.delete(id);
    if (open?.shell?.named) this.#glance(open, "after", open.shell.named);
    if (!namesItsFiles(call.tool)) return;
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

  #note(open: Open, moment: Moment): void {
    let left = MOST;
    for (const named of open.targets) left -= this.#seen.note(occasion(open, moment), named, left).read;
  }

  /** Looks at the files that a shell's command names, and at what has changed of those seen before; gives the former. */
  #glance(open: Open, moment: Moment, named: Map<string, boolean>): Map<string, boolean> {
    const now = occasion(open, moment);
    const told = new Map<string, boolean>();
    const paths = new Set<string>();
    let left = MOST_OF_SHELL;
    for (const [path, makes] of named) {
      // Most words are no files, and to look for what is not there is dear.
      if (!makes && !this.#seen.isOfInterest(path)) continue;
      const isTold = (found: string, isNews: boolean) => isFile(found) || (found === "absent" && (makes || isNews));
      const glance = this.#seen.glance(now, path, left, isTold);
      left -= glance.read;
      paths.add(glance.path);
      if (glance.told) told.set(path, makes);
    }
    for (const path of this.#seen.changed(KNOWN)) {
      if (paths.has(path)) continue;
      left -= this.#seen.glance(now, path, left, (found, isNews) => isNews && (isFile(found) || found === "absent")).read;
    }
    return told;
  }
}

function occasion({ directory, call }: Open, moment: Moment): Occasion {
  return { directory, session: call.sessionID, call: call.callID, tool: call.tool, moment };
}

/** What is in the file is known. */
function isFile(found: string): boolean {
  return found === "bytes" || found === "same";
}

function key(session: string, call: string): string {
  return `${session} ${call}`;
}
