/**
 * What a `/intercept` leaves in OpenCode's storage, kept out of what later goes to a model.
 *
 * It is recognised from the stored messages themselves: the command by a mark in its metadata, its answer by
 * the message that it answers, or by its text where that message is no longer in view. So it holds after a
 * restart, in a fork, and in compaction.
 */

import { isReply } from "./standing.ts";

/** In the metadata of the command's text part. */
export const MARK = { octrace: "intercept" };

export interface Part {
  type: string;
  text?: string;
  synthetic?: boolean;
  ignored?: boolean;
  metadata?: { [name: string]: unknown };
}

export interface Message {
  info: {
    id: string;
    role: string;
    parentID?: string;
    finish?: string;
    error?: unknown;
    tokens?: { input: number; output: number };
  };
  parts: Part[];
}

/** The part that marks a message as a command; `undefined` for other messages. */
export function commandIn(parts: Part[]): Part | undefined {
  return parts.find(({ type, metadata }) => type === "text" && metadata?.["octrace"] === MARK.octrace);
}

/**
 * Takes commands and their answers out of `messages`, but for the command that is being answered, the last user
 * message with the id `answering`. Gives the ids of the commands that were taken out.
 */
export function forget(messages: Message[], answering: string | undefined): string[] {
  const commands = new Set<string>();
  let write = 0;
  for (const message of messages) {
    const { info, parts } = message;
    const isCommand = info.role === "user" && commandIn(parts) !== undefined;
    if (isCommand) commands.add(info.id);
    const isAnswer = info.role === "assistant" && (commands.has(info.parentID ?? "") || isUnpaidReply(message));
    const isGone = isAnswer || (isCommand && info.id !== answering);
    if (!isGone) messages[write++] = message;
  }
  messages.length = write;
  if (answering !== undefined) commands.delete(answering);
  return [...commands];
}

/** By its text, which no model was paid for. */
function isUnpaidReply({ info, parts }: Message): boolean {
  const texts = parts.filter(({ type }) => type === "text");
  if (texts.length !== 1 || parts.some(({ type }) => type === "tool")) return false;
  return isReply(texts[0]?.text ?? "") && !info.tokens?.output;
}

/**
 * The body of a title request without such answers; `undefined` where there are none. OpenCode gives titles
 * the first messages of a session as they are stored, and asks no hook about it.
 */
export function withoutReplies(body: string): string | undefined {
  if (!body.includes("## Interceptor ")) return undefined;
  const request = JSON.parse(body) as Record<string, unknown>;
  let found = false;
  for (const name of ["messages", "input", "contents"]) {
    const list = request[name];
    if (!Array.isArray(list)) continue;
    const kept = list.filter((message: unknown) => !isAnswerOnWire(message));
    if (kept.length === list.length) continue;
    request[name] = kept;
    found = true;
  }
  return found ? JSON.stringify(request) : undefined;
}

function isAnswerOnWire(message: unknown): boolean {
  const { role, content, parts } = (message ?? {}) as { role?: unknown; content?: unknown; parts?: unknown };
  if (role !== "assistant" && role !== "model") return false;
  if (typeof content === "string") return isReply(content);
  const pieces: unknown = content ?? parts;
  if (!Array.isArray(pieces)) return false;
  return isReply(pieces.map((piece: { text?: unknown } | null) => String(piece?.text ?? "")).join(""));
}
