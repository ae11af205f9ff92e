/**
 * One request and its response, as frames: `Request`, `RequestBody`…, `Response`,
 * `ResponseBody`…, and exactly one `End`.
 */

import type { Body } from "./body.ts";
import type { Call } from "./calls.ts";
import { Kind } from "./frame.ts";
import { headerCredentials, recordable } from "./headers.ts";
import type { Recording } from "./recording.ts";
import type { Outgoing } from "./request.ts";
import { watch } from "./response.ts";
import { stripUrl } from "./url.ts";

type Outcome = "complete" | "failed" | "cut" | "aborted";

export class Exchange {
  /** As in the frames' headers. */
  readonly number: number;
  #recording: Recording;
  #signal: AbortSignal | undefined;
  #onAbort = () => this.#end("aborted");
  #ended = false;
  #bytes = 0;
  #chunks = 0;
  /** Whether a part of the response's body could not be written. */
  #cut = false;
  /** Has come, and is still to be written. */
  #head: Response | undefined;

  /** Writes the request. It is under way already. */
  constructor(recording: Recording, request: Outgoing, body: Body, call: Call | undefined) {
    this.#recording = recording;
    this.number = recording.nextExchange();
    this.#signal = request.signal;

    const { url, credentials } = stripUrl(request.url);
    recording.learn([...headerCredentials(request.headers), ...credentials], "scrub");
    this.#document(Kind.Request, {
      method: request.method,
      url,
      headers: recordable(request.headers),
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
    });
    if (body.kind === "text") recording.body(Kind.RequestBody, this.number, body.text);
    if (body.kind === "bytes") recording.body(Kind.RequestBody, this.number, body.bytes);
    // OpenCode also fires the signal when all is over; by then we have ended and do not listen.
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** The response's head is here; gives the response to hand to the agent. */
  responded(response: Response): Response {
    this.#head = response;
    // The agent goes first. If more of the answer comes sooner, it brings the head along.
    setImmediate(() => this.#writeHead());
    try {
      return watch(response, {
        chunk: (bytes) => this.#chunk(bytes),
        complete: () => this.#end("complete"),
        failed: (error) => this.#end(this.#signal?.aborted ? "aborted" : "cut", error),
        cancelled: () => this.#end("aborted"),
      });
    } catch {
      // A response that cannot be watched, such as one that switches protocols.
      this.#cut = true;
      this.#end("complete");
      return response;
    }
  }

  /** No response came. */
  failed(error: unknown): void {
    this.#end(this.#signal?.aborted ? "aborted" : "failed", error);
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

  #chunk(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#writeHead();
    this.#bytes += bytes.length;
    this.#chunks += 1;
    if (!this.#recording.body(Kind.ResponseBody, this.number, bytes)) this.#cut = true;
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
