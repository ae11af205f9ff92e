/**
 * What a `/intercept` leaves in OpenCode's storage, kept out of what later goes to a model.
 *
 * It is recognised from the stored messages themselves: the command by a mark in its metadata, its answer by its
 * whole text and the message that it answers. So it holds after a restart, in a fork, and in compaction. Neither
 * alone would do: once a command has come in the middle of a turn, OpenCode files the rest of that turn, the
 * model's work, as answers to the command too; and a model may well write about the command.
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
  /** A tool's. */
  state?: { status: string; metadata?: { [name: string]: unknown } };
}

export interface Message {
  info: {
    id: string;
    role: string;
    sessionID?: string;
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

/** Takes commands and their answers out of `messages`; gives the ids of these commands. */
export function forget(messages: Message[]): string[] {
  const inView = new Set(messages.map(({ info }) => info.id));
  const commands = new Set<string>();
  const added: Part[] = [];
  let write = 0;
  for (const message of messages) {
    const { info, parts } = message;
    const command = info.role === "user" ? commandIn(parts) : undefined;
    if (command) {
      commands.add(info.id);
      added.push(...parts.filter((part) => part !== command));
      continue;
    }
    const parent = info.parentID ?? "";
    if ((commands.has(parent) || !inView.has(parent)) && isAnswer(message)) continue;
    if (info.role === "user") parts.push(...added.splice(0));
    messages[write++] = message;
  }
  messages.length = write;
  // OpenCode reminds a model of its mode in the last user message: which is the one before, without the command.
  messages.findLast(({ info }) => info.role === "user")?.parts.push(...added);
  return [...commands];
}

/** Whether this is what `/intercept` was answered, or the beginning of an answer that was given up. */
function isAnswer({ info, parts }: Message): boolean {
  if (info.role !== "assistant" || info.tokens?.input || info.tokens?.output) return false;
  if (parts.some(({ type }) => type === "tool" || type === "reasoning")) return false;
  const texts = parts.filter(({ type }) => type === "text");
  const text = texts[0]?.text ?? "";
  return texts.length < 2 && (text === "" ? info.error !== undefined : isReply(text));
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
