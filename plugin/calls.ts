/**
 * Which model call a request belongs to.
 *
 * `chat.headers` runs shortly before OpenCode makes a model call and knows session, message, agent
 * and model; the tap sees the request and knows none of them. The hook therefore puts a random
 * token into the request's headers, and the tap takes it out again before the request is sent. A
 * "current session" would be wrong as soon as a sub-agent or a second session is at work.
 */

import type { Command } from "./intercept.ts";
import { randomHex } from "./random.ts";

/** Never leaves the process. */
export const CALL_HEADER = "x-octrace-call";

/** What OpenCode knows about a model call; the names are those of the `Request` payload. */
export interface Call {
  session: string;
  /** Of the plugin instance that was told of the call. */
  directory: string;
  message: string;
  agent: string;
  provider: string;
  model: string;
  npm: string;
  price: unknown;
  /** The call is not for a model: this command is to be answered. */
  command?: Command | undefined;
}

/** Calls that are remembered: far more than can be on their way at once. */
const LIMIT = 1024;

export class Calls {
  #byToken = new Map<string, Call>();
  /** Nobody else can know it. */
  #prefix = randomHex(12);
  #count = 0;

  /** Remembers a call; gives the token for {@link CALL_HEADER}. */
  add(call: Call): string {
    if (this.#byToken.size >= LIMIT) {
      for (const oldest of this.#byToken.keys()) {
        this.#byToken.delete(oldest);
        break;
      }
    }
    const token = `${this.#prefix}-${++this.#count}`;
    this.#byToken.set(token, call);
    return token;
  }

  /** A call stays known after it was asked for: a retry may carry the same headers. */
  get(token: string | null | undefined): Call | undefined {
    return token ? this.#byToken.get(token) : undefined;
  }
}

/** SDKs that sign their headers or do not send by `fetch`: the token would break or escape. */
const UNTAPPED_SDK = /bedrock|sagemaker|sap-ai/i;

/**
 * Whether a call's request will pass the tap, so that it may carry a token. Calls without one are
 * told apart by OpenCode's own session headers.
 */
export function mayCarryToken(npm: string, provider: string, env = process.env): boolean {
  if (UNTAPPED_SDK.test(npm)) return false;
  if (provider !== "openai") return true;
  // OpenCode may speak to OpenAI by WebSocket, with the same headers.
  return !/^(1|true|yes|on|y)$/i.test(env["OPENCODE_EXPERIMENTAL_WEBSOCKETS"] ?? "");
}
