/**
 * What OpenCode tells us: hooks of one plugin instance (one directory).
 *
 * OpenCode waits for most hooks, calls `event` without waiting, and hangs if `event` throws. So
 * each handler here is synchronous inside, finishes in microseconds, and is wrapped by `quiet`.
 */

import type { Hooks, PluginInput } from "@opencode-ai/plugin";
import { CALL_HEADER, mayCarryToken, type Calls } from "./calls.ts";
import { EventFilter } from "./events.ts";
import { Kind } from "./frame.ts";
import type { Recording } from "./recording.ts";
import { credentialsIn } from "./secrets.ts";

export function hooks(recording: Recording, calls: Calls, input: PluginInput): Hooks {
  const { directory } = input;
  const filter = new EventFilter();
  const hook = (name: string, fields: object) =>
    recording.document(Kind.Hook, { hook: name, input: fields });

  return {
    config: quiet((config) => {
      // Only to know what must never be written; nothing of it is kept.
      recording.learn(credentialsIn(config.provider));
      recording.learn(credentialsIn(config.mcp));
    }),

    event: quiet(({ event }) => {
      const kept = filter.keep(event);
      if (kept) recording.document(Kind.Event, { directory, event: kept });
    }),

    "chat.headers": quiet((call, output) => {
      recording.learn(credentialsIn(call.provider?.options), "scrub");
      const { model } = call;
      const npm = model.api?.npm ?? "";
      if (!mayCarryToken(npm, model.providerID)) return;
      output.headers[CALL_HEADER] = calls.add({
        session: call.sessionID,
        directory,
        message: call.message.id,
        agent: agentName(call.agent),
        provider: model.providerID,
        model: model.id,
        npm,
        price: model.cost,
      });
    }),

    "chat.message": quiet((message) => hook("chat.message", message)),

    "tool.execute.before": quiet(({ tool, sessionID, callID }) =>
      hook("tool.execute.before", { tool, sessionID, callID }),
    ),

    "tool.execute.after": quiet(({ tool, sessionID, callID }) =>
      hook("tool.execute.after", { tool, sessionID, callID }),
    ),

    "command.execute.before": quiet(({ command, sessionID }) =>
      hook("command.execute.before", { command, sessionID }),
    ),

    "experimental.session.compacting": quiet(({ sessionID }) =>
      hook("experimental.session.compacting", { sessionID }),
    ),

    dispose: quiet(() => recording.leave(input)),
  };
}

const DONE = Promise.resolve();

/** The handler, made so that OpenCode can neither see it fail nor wait for it. */
function quiet<Args extends unknown[]>(handler: (...args: Args) => void): (...args: Args) => Promise<void> {
  return (...args) => {
    try {
      handler(...args);
    } catch {
      // The agent goes first: what we failed to note is missing from the recording.
    }
    return DONE;
  };
}

/** Typed as a string; other versions of OpenCode have sent the agent's object. */
function agentName(agent: unknown): string {
  if (typeof agent === "string") return agent;
  const name = (agent as { name?: unknown } | undefined)?.name;
  return typeof name === "string" ? name : "";
}
