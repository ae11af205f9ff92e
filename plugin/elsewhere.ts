/** `/intercept` where a provider's requests do not pass the tap, or are in no dialect that we can answer in. */

import type { PluginInput } from "@opencode-ai/plugin";
import { canAnswer } from "./answer.ts";
import { mayCarryToken } from "./calls.ts";
import type { Command, Intercept } from "./intercept.ts";

/** Whether the tap will see requests to this model, and can speak in its stead. */
export function isAnswerable({ providerID, api }: { providerID: string; api?: { npm?: string } }): boolean {
  const npm = api?.npm ?? "";
  return mayCarryToken(npm, providerID) && canAnswer(npm);
}

/**
 * Leaves the reply in the session as a message that people see and models do not. Always rejects: that is the
 * only way to keep OpenCode from asking the model, and the one place where we make it fail.
 */
export async function answerElsewhere(
  intercept: Intercept,
  command: Command,
  client: PluginInput["client"],
): Promise<never> {
  const text = await intercept.reply(command);
  await client.session.prompt({
    path: { id: command.session },
    body: { noReply: true, parts: [{ type: "text", text, ignored: true }] },
  });
  throw new Error("octrace answered /intercept in a message of its own; no model was called.");
}
