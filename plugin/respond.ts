/** What the tap does for the sake of `/intercept`. */

import { answer } from "./answer.ts";
import { bodyText } from "./body.ts";
import { withoutReplies } from "./forget.ts";
import type { Command, Intercept } from "./intercept.ts";
import type { Outgoing } from "./request.ts";
import type { Requests } from "./requests.ts";

/** The answer to a command, in place of a model's. */
export async function respond(request: Outgoing, command: Command, intercept: Intercept, requests: Requests): Promise<Response> {
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
export function withoutReply(request: Outgoing): Outgoing {
  const body = bodyText(request.body());
  const without = body === undefined ? undefined : withoutReplies(body);
  return (without === undefined ? undefined : request.withBody(without)) ?? request;
}
