/**
 * How `/intercept` stands: asked of the recorder through the spool, answered by it in `.status` beside the spool,
 * and put into words.
 *
 * The question is a frame like any other, so that the recorder comes to it after everything that was captured
 * before: its counts are true at that moment.
 */

import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Kind } from "./frame.ts";
import { randomHex } from "./random.ts";
import type { Recording } from "./recording.ts";

/** What a command may ask for; `usage` asks for nothing. */
export type Action = "on" | "off" | "status" | "usage";

/** The longest that an answer waits for the recorder, in milliseconds. */
const PATIENCE = 2000;
const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 25;

/** As in `crates/octrace/src/record/status.rs`. */
interface Intercept {
  token: string;
  enabled: boolean;
  root: string;
  captures: number;
  total_bytes: number;
  anomalies: number;
  latest_phase: string;
  latest_message: string;
}

/** Tokens of one process: who sees a later one knows that its own has been carried out too. */
const PROCESS = randomHex(8);
let asked = 0;

/**
 * Asks the recorder, and gives the answer as text. Rejects only when `signal` fires, with its reason.
 */
export async function standing(
  recording: Recording,
  action: Action,
  session: string,
  signal?: AbortSignal,
  patience = PATIENCE,
): Promise<string> {
  const number = ++asked;
  const isOn = recording.isOn();
  if (isOn) {
    const token = `${PROCESS}-${number}`;
    recording.document(Kind.Intercept, { token, action: action === "usage" ? "status" : action, session });
  }
  const deadline = performance.now() + patience;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    signal?.throwIfAborted();
    const status = isOn ? await readStatus(recording.folder) : undefined;
    const reached = numberOf(status?.token);
    if (reached >= number) return inWords(action, session, status, reached === number ? "" : "later");
    if (!isOn) return inWords(action, session, undefined, "off");
    if (performance.now() >= deadline) return inWords(action, session, status, "behind");
    await Bun.sleep(pause);
  }
}

/** Which of our questions this token belongs to; 0: none. */
function numberOf(token: string | undefined): number {
  return token?.startsWith(`${PROCESS}-`) ? Number(token.slice(PROCESS.length + 1)) || 0 : 0;
}

async function readStatus(folder: string): Promise<Intercept | undefined> {
  try {
    const status = (await Bun.file(join(folder, ".status")).json()) as { intercept?: Intercept } | null;
    return status?.intercept;
  } catch {
    // Not there yet.
    return undefined;
  }
}

const HEADINGS: Record<Action, string> = { on: "Enabled", off: "Disabled", status: "Status", usage: "Usage" };

const NOTES = {
  "": "",
  later: "",
  off: "octrace is not recording: it found no safe place for its spool.",
  behind: "The recorder is behind: it has not come to this command yet. The counts are the last that it told.",
};

function inWords(action: Action, session: string, status: Intercept | undefined, how: keyof typeof NOTES): string {
  const own = how === "" ? status?.root : undefined;
  const root = own || join(status?.root ? dirname(status.root) : join(tmpdir(), "opencode-interceptor"), session);
  // What was asked for holds for all that is captured from now on, also before the recorder says so.
  const isEnabled = how !== "off" && (action === "on" || (action !== "off" && status?.enabled === true));
  const values = [
    isEnabled ? "enabled" : "disabled",
    line(root),
    status?.captures ?? 0,
    status?.total_bytes ?? 0,
    status?.anomalies ?? 0,
    line(status?.latest_phase),
    line(status?.latest_message),
  ];
  const heading = HEADINGS[how === "off" && action !== "usage" ? "status" : action];
  const lines = [`## Interceptor ${heading}`, "", ...(action === "usage" ? USAGE : [])];
  lines.push(...LABELS.map((label, index) => `- ${label}: ${values[index]}`));
  if (NOTES[how]) lines.push("", NOTES[how]);
  return lines.join("\n");
}

const LABELS = [
  "Enabled",
  "Dump root",
  "Captures",
  "Total bytes",
  "Anomalies",
  "Latest anomaly phase",
  "Latest anomaly message",
];

const USAGE = [
  "- `/intercept`: how it stands",
  "- `/intercept on`: keep each model request as files",
  "- `/intercept off`: no more",
  "",
];

/** One line that says something, whatever a file name or an error message contains. */
function line(text = ""): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim() || "none";
}

const REPLY = new RegExp(
  `^## Interceptor (${oneOf(Object.values(HEADINGS))})\n\n(${literal(USAGE.join("\n"))}\n)?` +
    LABELS.map((label) => `- ${label}: .+`).join("\n") +
    `(\n\n(${oneOf(Object.values(NOTES).filter(Boolean))}))?$`,
);

function oneOf(texts: string[]): string {
  return texts.map(literal).join("|");
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Whether this is one of the answers above from its first character to its last: no model writes that by chance. */
export function isReply(text: string): boolean {
  return REPLY.test(text);
}
