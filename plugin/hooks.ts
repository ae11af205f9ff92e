/**
 * What OpenCode tells us: hooks of one plugin instance (one directory).
 *
 * OpenCode waits for most hooks, calls `event` without waiting, and hangs if `event` throws. So
 * each handler here is synchronous inside, finishes in microseconds, and is wrapped by `quiet`. The one exception
 * is in `elsewhere.ts`.
 */

import type { Config, Hooks, PluginInput } from "@opencode-ai/plugin";
import { CALL_HEADER, mayCarryToken, type Calls } from "./calls.ts";
import type { EventFilter } from "./events.ts";
import type { Files } from "./files.ts";
import { Kind } from "./frame.ts";
import type { Command, Intercept } from "./intercept.ts";
import { late, lateForCommands } from "./late.ts";
import type { Recording } from "./recording.ts";

type HeadersHook = NonNullable<Hooks["chat.headers"]>;

export function hooks(
  recording: Recording,
  calls: Calls,
  intercept: () => Intercept,
  files: () => Files | undefined,
  input: PluginInput,
): Hooks {
  const { directory, client } = input;
  let isOurs = false;
  let made: EventFilter | undefined;
  const filter = () => (made ??= new (late().EventFilter)());
  const hook = (name: string, fields: object) =>
    recording.document(Kind.Hook, { hook: name, input: fields });
  /** The command in this message. There is none where its code was taken away while OpenCode runs. */
  const waiting = (message: string) => {
    try {
      return intercept().waiting(message);
    } catch {
      return undefined;
    }
  };

  /** `undefined` where files are not to be looked at; or their code was taken away, too. */
  const look = (at: (files: Files) => void) => {
    try {
      const looking = files();
      if (looking) at(looking);
    } catch {
      // What OpenCode tells of the call is recorded all the same.
    }
  };

  const announce = quiet<[...Parameters<HeadersHook>, command?: Command]>((call, output, command) => {
    recording.learnFrom(call.provider?.options, "scrub");
    const { model } = call;
    const npm = model.api?.npm ?? "";
    if (!mayCarryToken(npm, model.providerID)) return;
    // Where the code that takes it out again is gone, this fails, and there is none.
    late();
    output.headers[CALL_HEADER] = calls.add({
      command,
      session: call.sessionID,
      directory,
      message: call.message.id,
      agent: agentName(call.agent),
      provider: model.providerID,
      model: model.id,
      npm,
      price: model.cost,
    });
  });

  return {
    config: quiet((config) => {
      // Only to know what must never be written; nothing else of it is kept.
      recording.learnFrom(config.provider);
      recording.learnFrom(config.mcp);
      isOurs = registerIntercept(config);
    }),

    event: quiet(({ event }) => {
      if (event.type === "session.status" || event.type === "message.updated") intercept().event(event);
      // Before it is said that a call was permitted: a person's changes until then are none of the call's.
      if (TELLS_OF_CALLS.has(event.type)) look((files) => files.event(event));
      const kept = filter().keep(event);
      if (kept) recording.document(Kind.Event, { directory, event: kept });
    }),

    "chat.headers": (call, output) => {
      const command = call?.message && waiting(call.message.id);
      if (!command || lateForCommands().isAnswerable(call.model)) return announce(call, output, command);
      if (!command.goesOn) return lateForCommands().answerElsewhere(intercept(), command, client);
      // This request is the turn's next: it goes to the model.
      quiet(() => intercept().carryOut(command.message))();
      return announce(call, output);
    },

    "chat.message": quiet((message, output) => {
      hook("chat.message", message);
      intercept().received(message.sessionID, output.message, output.parts);
    }),

    "experimental.chat.messages.transform": quiet((_, { messages }) => intercept().forget(messages)),

    "tool.execute.before": quiet(({ tool, sessionID, callID }, { args }) => {
      const call = { tool, sessionID, callID };
      look((files) => files.before(directory, call, args));
      hook("tool.execute.before", call);
    }),

    "tool.execute.after": quiet(({ tool, sessionID, callID, args }, result) => {
      const call = { tool, sessionID, callID };
      hook("tool.execute.after", call);
      look((files) => files.after(directory, call, args, result?.metadata));
    }),

    // Of a call only; the process that it starts is about to begin. The environment is none of our business.
    "shell.env": quiet(({ cwd, sessionID, callID }) => {
      if (!callID) return;
      if (sessionID) look((files) => files.starts(cwd, sessionID, callID));
      hook("shell.env", { cwd, sessionID, callID });
    }),

    "command.execute.before": quiet(({ command, sessionID, arguments: typed }, output) => {
      hook("command.execute.before", { command, sessionID });
      if (isOurs && command === "intercept") intercept().expand(typed, output.parts);
    }),

    "experimental.session.compacting": quiet(({ sessionID }) => {
      hook("experimental.session.compacting", { sessionID });
      intercept().compacting(sessionID);
    }),

    dispose: quiet(() => recording.leave(input)),
  };
}

const TELLS_OF_CALLS: ReadonlySet<string> = new Set([
  "message.part.updated",
  "permission.asked",
  "permission.replied",
  "session.idle",
]);

const INTERCEPT = {
  template: "/intercept $ARGUMENTS",
  description: "Keep model requests as files: on, off, or how it stands (answered by octrace, not by a model)",
};

/** Adds `/intercept` to OpenCode's configuration; `false` where the user has a command of that name. */
export function registerIntercept(config: Pick<Config, "command">): boolean {
  const commands = (config.command ??= {});
  commands["intercept"] ??= { ...INTERCEPT };
  return commands["intercept"].template === INTERCEPT.template;
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
