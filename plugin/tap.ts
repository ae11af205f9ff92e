/**
 * The tap: `globalThis.fetch`, with model requests seen on their way.
 *
 * The agent always gets what the original `fetch` gives, and at the time it gives it. The
 * original is called first, so that the request is under way while we write; a request that is not
 * for a model gets the original's own promise back; and if anything of ours fails, so does any other. There is
 * one exception: what OpenCode asks for the sake of `/intercept` is answered here, and never reaches the original.
 */

import { bodyText, type Body } from "./body.ts";
import type { Call, Calls } from "./calls.ts";
import type { Decision, Diagnostics } from "./diagnostics.ts";
import type { Exchange } from "./exchange.ts";
import type { Command, Intercept } from "./intercept.ts";
import { late, lateForCommands } from "./late.ts";
import type { Reason } from "./model_request.ts";
import type { Recording } from "./recording.ts";
import { readRequest, withBody, type FetchArguments, type Outgoing } from "./request.ts";

/** Replaces `globalThis.fetch`. Once per process: the caller sees to that. */
export function tap(recording: Recording, calls: Calls, intercept: Intercept): void {
  const original = globalThis.fetch as (...args: FetchArguments) => Promise<Response>;
  const requests = new Requests(recording);

  const tapped = function fetch(this: unknown, ...args: FetchArguments): Promise<Response> {
    let request: Outgoing | undefined;
    let early: Body | undefined;
    let call: Call | undefined;
    try {
      request = readRequest(args);
      call = calls.get(request.token);
      if (call?.agent === "title") request = withoutReply(request);
      if (args[0] instanceof Request && mayBeForModel(request)) early = request.body();
    } catch {
      // Odd arguments are the original's business.
    }
    if (request && call?.command) return respond(request, call.command, intercept, requests);

    const promise = Reflect.apply(original, this, request?.args ?? args);

    try {
      const exchange = request && requests.begin(request, early, call);
      if (exchange) return follow(promise, exchange);
    } catch {
      // It goes unrecorded.
    }
    return promise;
  };

  // `fetch.preconnect` and whatever else there is.
  Object.defineProperties(tapped, Object.getOwnPropertyDescriptors(original));
  globalThis.fetch = tapped as typeof globalThis.fetch;
}

/** Which requests are recorded, and why the others are not. */
class Requests {
  #recording: Recording;
  #diagnostics: Diagnostics | undefined;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** The recording of this request, which is under way already; `undefined` where there is to be none. */
  begin(request: Outgoing, early: Body | undefined, call: Call | undefined): Exchange | undefined {
    const { Exchange, classify, isStrict } = late();
    let body = early;
    const { method, url, header, token } = request;
    const bodyAsText = () => bodyText((body ??= request.body()));
    const verdict = classify({ method, url, header, marked: token !== undefined, bodyText: bodyAsText }, isStrict());
    if (!verdict.traced) {
      this.skip(request, verdict.reason);
      return undefined;
    }
    if (!this.#recording.isOn()) return undefined;
    const exchange = new Exchange(this.#recording, request, body ?? request.body(), call);
    this.#decided(request, { exchange: exchange.number });
    return exchange;
  }

  /** Notes why a request is not recorded. */
  skip(request: Outgoing, reason: Reason): void {
    this.#decided(request, { reason });
  }

  #decided({ method, url }: Outgoing, decision: Decision): void {
    this.#diagnostics ??= new (late().Diagnostics)(this.#recording);
    this.#diagnostics.decided(method, url, decision);
  }
}

/** The answer to a command, in place of a model's. */
async function respond(request: Outgoing, command: Command, intercept: Intercept, requests: Requests): Promise<Response> {
  const { answer } = lateForCommands();
  const body = bodyText(request.body());
  try {
    requests.skip(request, "intercept-command");
  } catch {
    // The answer matters more.
  }
  const text = await intercept.reply(command, request.signal);
  return answer(request.url, body, { text, final: !command.goesOn });
}

/** A request for a title, without what `/intercept` has left in the session. */
function withoutReply(request: Outgoing): Outgoing {
  const body = bodyText(request.body());
  const without = body === undefined ? undefined : lateForCommands().withoutReplies(body);
  return (without === undefined ? undefined : withBody(request, without)) ?? request;
}

/** Whether it is worth looking into a `Request`, whose body can only be read before it is sent. */
function mayBeForModel(request: Outgoing): boolean {
  return request.method === "POST" && (request.header("content-type") ?? "json").includes("json");
}

function follow(promise: Promise<Response>, exchange: Exchange): Promise<Response> {
  return promise.then(
    (response) => {
      try {
        return exchange.responded(response);
      } catch {
        return response;
      }
    },
    (error: unknown) => {
      try {
        exchange.failed(error);
      } catch {
        // The agent's error comes first.
      }
      throw error;
    },
  );
}
