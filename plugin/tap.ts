/**
 * The tap: `globalThis.fetch`, with model requests seen on their way.
 *
 * The agent always gets what the original `fetch` gives, and at the time it gives it. The
 * original is called before anything is written, and the request is written while it is under way; a request that is not
 * for a model gets the original's own promise back; and if anything of ours fails, so does any other. There is
 * one exception: what OpenCode asks for the sake of `/intercept` is answered here, and never reaches the original.
 */

import type { Body } from "./body.ts";
import type { Call, Calls } from "./calls.ts";
import type { Exchange } from "./exchange.ts";
import type { Intercept } from "./intercept.ts";
import { late, lateForCommands } from "./late.ts";
import type { Recording } from "./recording.ts";
import type { FetchArguments, Outgoing } from "./request.ts";
import type { Requests } from "./requests.ts";

/** Replaces `globalThis.fetch`. Once per process: the caller sees to that. */
export function tap(recording: Recording, calls: Calls, intercept: () => Intercept): void {
  const original = globalThis.fetch as (...args: FetchArguments) => Promise<Response>;
  let made: Requests | undefined;
  const requests = () => (made ??= new (late().Requests)(recording));

  const tapped = function fetch(this: unknown, ...args: FetchArguments): Promise<Response> {
    let request: Outgoing | undefined;
    let early: Body | undefined;
    let call: Call | undefined;
    try {
      request = late().readRequest(args);
      call = calls.get(request.token);
      if (call?.agent === "title") request = lateForCommands().withoutReply(request);
      if (args[0] instanceof Request && mayBeForModel(request)) early = request.body();
    } catch {
      // Odd arguments are the original's business.
    }
    if (request && call?.command) return lateForCommands().respond(request, call.command, intercept(), requests());

    const promise = Reflect.apply(original, this, request?.args ?? args);

    try {
      const exchange = request && requests().begin(request, early, call);
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
