/**
 * The tap: `globalThis.fetch`, with model requests seen on their way.
 *
 * The agent always gets what the original `fetch` gives, and at the time it gives it. The
 * original is called first, so that the request is under way while we write; a request that is not
 * for a model gets the original's own promise back; and if anything of ours fails, so does any other.
 */

import { bodyText, type Body } from "./body.ts";
import type { Calls } from "./calls.ts";
import type { Exchange } from "./exchange.ts";
import { late } from "./late.ts";
import type { Recording } from "./recording.ts";
import { readRequest, type FetchArguments, type Outgoing } from "./request.ts";

/** Replaces `globalThis.fetch`. Once per process: the caller sees to that. */
export function tap(recording: Recording, calls: Calls): void {
  const original = globalThis.fetch as (...args: FetchArguments) => Promise<Response>;

  const tapped = function fetch(this: unknown, ...args: FetchArguments): Promise<Response> {
    let request: Outgoing | undefined;
    let early: Body | undefined;
    try {
      request = readRequest(args);
      if (args[0] instanceof Request && mayBeForModel(request)) early = request.body();
    } catch {
      // Odd arguments are the original's business.
    }

    const promise = Reflect.apply(original, this, request?.args ?? args);

    try {
      const exchange = request && begin(recording, calls, request, early);
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

function begin(
  recording: Recording,
  calls: Calls,
  request: Outgoing,
  early: Body | undefined,
): Exchange | undefined {
  const { Exchange, classify } = late();
  let body = early;
  const verdict = classify({
    method: request.method,
    url: request.url,
    header: request.header,
    marked: request.token !== undefined,
    bodyText: () => bodyText((body ??= request.body())),
  });
  if (!verdict.traced || !recording.isOn()) return undefined;
  return new Exchange(recording, request, body ?? request.body(), calls.get(request.token));
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
