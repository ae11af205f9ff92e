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

export class Intercept {
  #recording: Recording;
  #waiting = new Map<string, Command>();
  #busy = new Set<string>();

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
  received(session: string, message: string, parts: Part[]): void {
    if (!parts.some(({ metadata }) => metadata?.["octrace"])) return;
    const command = lateForCommands().commandIn(parts);
    if (!command) return;
    const interrupts = this.#busy.has(session);
    const action = actionOf(command.text ?? "");
    remember(this.#waiting, message, { action, session, message, interrupts, goesOn: false });
  }

  /** What sessions are doing. */
  event({ type, properties }: OpenCodeEvent): void {
    if (type !== "session.status") return;
    const { sessionID, status } = properties as { sessionID?: string; status?: { type?: string } };
    if (!sessionID) return;
    if (status?.type === "idle") this.#busy.delete(sessionID);
    else if (this.#busy.size < LIMIT) this.#busy.add(sessionID);
  }

  /** These messages are about to go to a model. */
  forget(messages: Message[]): void {
    if (messages.length === 0) return;
    const last = messages.findLast(({ info }) => info.role === "user");
    const command = this.waiting(last?.info.id);
    for (const missed of lateForCommands().forget(messages, command?.message)) this.#miss(missed);
    if (!command || !last) return;
    // A request needs something to ask; this one is answered here. OpenCode's stored message stays as it is.
    for (const part of last.parts) part.ignored = false;
    const before = messages.findLast((message) => message !== last);
    command.goesOn = command.interrupts && before !== undefined && isUnanswered(before);
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

  /** Another message came before OpenCode asked for an answer: it is carried out all the same. */
  #miss(message: string): void {
    const command = this.waiting(message);
    if (command) this.reply(command, AbortSignal.abort()).catch(() => {});
  }
}

function actionOf(text: string): Action {
  const typed = text.slice(NAME.length + 1).trim().toLowerCase();
  if (typed === "") return "status";
  return typed === "on" || typed === "off" ? typed : "usage";
}

/** Whether the model still has to say something to this message. */
function isUnanswered({ info }: Message): boolean {
  if (info.role === "user") return true;
  return !info.error && (info.finish === undefined || info.finish === "tool-calls" || info.finish === "unknown");
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  for (const oldest of map.keys()) {
    if (map.size < LIMIT) break;
    map.delete(oldest);
  }
  map.set(key, value);
}
