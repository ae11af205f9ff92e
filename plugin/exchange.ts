/**
 * One request and its response, as frames: `Request`, `RequestBody`…, `Response`,
 * `ResponseBody`…, and exactly one `End`.
 */

import type { Body } from "./body.ts";
import type { Call } from "./calls.ts";
import { Kind, now } from "./frame.ts";
import { headerCredentials, recordable } from "./headers.ts";
import type { Recording } from "./recording.ts";
import type { Outgoing } from "./request.ts";
import { watch, type Watcher } from "./response.ts";
import { stripUrl } from "./url.ts";

type Outcome = "complete" | "failed" | "cut" | "aborted";

export class Exchange implements Watcher {
  /** As in the frames' headers. */
  readonly number: number;
  #recording: Recording;
  #signal: AbortSignal | undefined;
  #onAbort = () => this.#end("aborted");
  #ended = false;
  #responded = false;
  #bytes = 0;
  #chunks = 0;
  /** Whether a part of the response's body could not be written. */
  #cut = false;
  /** Has come, and is still to be written. */
  #head: Response | undefined;

  /** Writes the request, which is under way already: now, or as soon as nobody waits for that. */
  constructor(recording: Recording, request: Outgoing, body: Body, call: Call | undefined) {
    this.#recording = recording;
    this.number = recording.nextExchange();
    this.#signal = request.signal;

    const at = now();
    // As they are now: they are the agent's.
    const { method, url: raw, headers } = request;
    const write = () => {
      const { url, credentials } = stripUrl(raw);
      recording.learn([...headerCredentials(headers), ...credentials], "scrub");
      const about = {
        method,
        url,
        headers: recordable(headers),
        session: call?.session || sessionOf(request) || recording.fallbackSession,
        directory: call?.directory ?? "",
        parent: request.header("x-parent-session-id") ?? "",
        message: call?.message ?? "",
        agent: call?.agent ?? "",
        provider: call?.provider ?? "",
        model: call?.model ?? "",
        npm: call?.npm ?? "",
        price: call?.price ?? null,
        body_bytes: body.size,
        body: body.kind,
      };
      recording.document(Kind.Request, about, this.number, at);
      if (body.kind === "text") recording.body(Kind.RequestBody, this.number, body.text);
      if (body.kind === "bytes") recording.body(Kind.RequestBody, this.number, body.bytes);
    };
    if (body.kind === "bytes") write();
    else recording.soon(write);
    // OpenCode also fires the signal when all is over; by then we have ended and do not listen.
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** The response's head is here; gives the response to hand to the agent. */
  responded(response: Response): Response {
    this.#responded = true;
    this.#head = response;
    // The agent goes first. If more of the answer comes sooner, it brings the head along.
    setImmediate(() => this.#writeHead());
    try {
      return watch(response, this);
    } catch {
      // A response that cannot be watched, such as one that switches protocols.
      this.#cut = true;
      this.#end("complete");
      return response;
    }
  }

  /** No response came, or it broke off. */
  failed(error: unknown): void {
    this.#end(this.#signal?.aborted ? "aborted" : this.#responded ? "cut" : "failed", error);
  }

  complete(): void {
    this.#end("complete");
  }

  cancelled(): void {
    this.#end("aborted");
  }

  chunk(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#writeHead();
    this.#bytes += bytes.length;
    this.#chunks += 1;
    if (!this.#recording.body(Kind.ResponseBody, this.number, bytes)) this.#cut = true;
  }

  #writeHead(): void {
    const head = this.#head;
    if (!head) return;
    this.#head = undefined;
    try {
      const { status, statusText, headers } = head;
      this.#document(Kind.Response, { status, status_text: statusText, headers: recordable(headers) });
    } catch {
      // As in `tap.ts`: if anything of ours fails, so does nothing else.
    }
  }

  #end(outcome: Outcome, error?: unknown): void {
    if (this.#ended) return;
    this.#writeHead();
    this.#ended = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#document(Kind.End, {
      outcome,
      bytes: this.#bytes,
      chunks: this.#chunks,
      cut: this.#cut,
      error: errorInfo(error),
    });
  }

  #document(kind: Kind, value: object): void {
    this.#recording.document(kind, value, this.number);
  }
}

/** The session by OpenCode's own headers. */
function sessionOf(request: Outgoing): string {
  for (const name of ["x-opencode-session", "x-session-affinity", "x-session-id", "session_id"]) {
    const value = request.header(name);
    if (value) return value;
  }
  return "";
}

function errorInfo(error: unknown): { name: string; message: string; code: string } | null {
  if (error === undefined || error === null) return null;
  if (typeof error !== "object") return { name: "", message: String(error), code: "" };
  const { name, message, code } = error as { name?: unknown; message?: unknown; code?: unknown };
  return { name: String(name ?? ""), message: String(message ?? ""), code: String(code ?? "") };
}
