/**
 * `/intercept`, typed inside OpenCode and answered without a model.
 *
 * The command becomes a user message that carries a mark. OpenCode makes a model call for it, as for any message;
 * `chat.headers` ties that call to the command, and the tap answers it. Everything hangs on the message's id, so that
 * sessions, sub-agents and several commands at once do not mix. What stays in the session is taken out of every
 * later request by `forget.ts`.
 */

import type { OpenCodeEvent } from "./events.ts";
import type { Message, Part } from "./forget.ts";
import { lateForCommands } from "./late.ts";
import type { Recording } from "./recording.ts";
import type { Action } from "./standing.ts";

const NAME = "intercept";

/** Commands and sessions that are remembered: far more than are at work at once. */
const LIMIT = 256;

/** A prompt that is to be answered makes its session busy within this time, in milliseconds. */
const STARTS_WITHIN = 1000;

/** A command that has not been answered yet. */
export interface Command {
  action: Action;
  session: string;
  message: string;
  /** Whether the session was at work on something else when the command came. */
  interrupts: boolean;
  /** Whether that work goes on after the answer. */
  goesOn: boolean;
}

/** What OpenCode takes from the last user message on, in each step of a turn. */
const GOES_ON_WITH = ["agent", "model", "format", "system", "tools"] as const;

type UserMessage = { id: string; time?: { created: number } } & { [name in (typeof GOES_ON_WITH)[number]]?: unknown };

interface EventFields {
  sessionID: string;
  status: { type?: string };
  info: UserMessage & { role: string; sessionID: string };
}

export class Intercept {
  #recording: Recording;
  #waiting = new Map<string, Command>();
  #busy = new Set<string>();
  #compacting = new Set<string>();
  #asked = new Map<string, UserMessage>();

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** The command is about to become a message: gives it a form that is told from all others, and never sent. */
  expand(typed: string, parts: unknown[]): void {
    const { MARK } = lateForCommands();
    // What is synthetic does not count as the session's first message, which gives it its title.
    const text = `/${NAME} ${typed}`.trim();
    parts.splice(0, parts.length, { type: "text", text, synthetic: true, ignored: true, metadata: MARK });
  }

  /** A user message is about to be stored. */
  received(session: string, message: UserMessage, parts: Part[]): void {
    const isMarked = parts.some(({ metadata }) => metadata?.["octrace"]);
    const command = isMarked ? lateForCommands().commandIn(parts) : undefined;
    if (!command) return remember(this.#asked, session, message);
    const latest = this.#asked.get(session);
    // A prompt that came just before may not have made the session busy yet.
    const interrupts = this.#busy.has(session) || Date.now() - (latest?.time?.created ?? 0) < STARTS_WITHIN;
    const asked = interrupts ? latest : undefined;
    // The rest of the turn would take these from the command.
    for (const name of GOES_ON_WITH) if (asked?.[name] !== undefined) message[name] = asked[name];
    const action = actionOf(command.text ?? "");
    remember(this.#waiting, message.id, { action, session, message: message.id, interrupts, goesOn: false });
  }

  /** What sessions are doing, and for whom. */
  event({ type, properties }: OpenCodeEvent): void {
    const { sessionID, status, info } = properties as Partial<EventFields>;
    if (type === "session.status" && sessionID) {
      if (status?.type === "idle") this.#busy.delete(sessionID);
      else if (this.#busy.size < LIMIT) this.#busy.add(sessionID);
    } else if (type === "message.updated" && info?.role === "user") {
      // Also those that OpenCode writes itself; an earlier one may be updated later.
      if (info.id >= (this.#asked.get(info.sessionID)?.id ?? "")) remember(this.#asked, info.sessionID, info);
    }
  }

  /** The session is about to be summed up: the messages that come next are for that. */
  compacting(session: string): void {
    this.#compacting.add(session);
  }

  /** These messages are about to go to a model. */
  forget(messages: Message[]): void {
    const last = messages.findLast(({ info }) => info.role === "user");
    if (!last) return;
    const isCompaction = this.#compacting.delete(last.info.sessionID ?? "");
    const command = isCompaction ? undefined : this.waiting(last.info.id);
    const gone = lateForCommands().forget(messages);
    for (const missed of gone) if (missed !== command?.message) this.carryOut(missed);
    if (!command) return;
    const before = messages.at(-1);
    command.goesOn = command.interrupts && before !== undefined && isUnanswered(before);
    if (command.goesOn) return;
    // A request needs something to ask; this one is answered here. OpenCode's stored message stays as it is.
    for (const part of last.parts) part.ignored = false;
    messages.push(last);
  }

  /** The command in this message, if it waits for an answer. */
  waiting(message: string | undefined): Command | undefined {
    return message === undefined ? undefined : this.#waiting.get(message);
  }

  /** Carries the command out and gives the reply's text; rejects only when `signal` fires. */
  async reply(command: Command, signal?: AbortSignal): Promise<string> {
    try {
      return await lateForCommands().standing(this.#recording, command.action, command.session, signal);
    } finally {
      this.#waiting.delete(command.message);
    }
  }

  /** Carries a command out that gets no answer, such as one that another message overtook. */
  carryOut(message: string): void {
    const command = this.waiting(message);
    if (!command) return;
    this.reply(command, AbortSignal.abort()).catch(() => {});
    this.#waiting.delete(message);
  }
}

function actionOf(text: string): Action {
  const typed = text.slice(NAME.length + 1).trim().toLowerCase();
  if (typed === "") return "status";
  return typed === "on" || typed === "off" ? typed : "usage";
}

/** Whether the model still has to say something to this message: as OpenCode decides whether a turn goes on. */
function isUnanswered({ info, parts }: Message): boolean {
  if (info.role === "user") return true;
  if (info.error) return false;
  return info.finish === undefined || ["tool-calls", "unknown"].includes(info.finish) || parts.some(isToRead);
}

/** Whether this is a tool's result that the model has not been sent: some providers end such an answer with `stop`. */
function isToRead({ type, metadata, state }: Part): boolean {
  if (type !== "tool" || metadata?.["providerExecuted"]) return false;
  return !(state?.status === "error" && state.metadata?.["interrupted"] === true);
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  for (const oldest of map.keys()) {
    if (map.size < LIMIT) break;
    map.delete(oldest);
  }
  map.set(key, value);
}
