/**
 * One recording for each OpenCode process, however often the plugin is loaded.
 *
 * The global plugin folder, a project's plugin folder and `octrace run` may each load their own
 * copy of these files, possibly of different versions, and OpenCode initialises each copy for each
 * directory. The first copy to be loaded owns the process; the others hand over to it.
 *
 * OpenCode gives all plugins of an instance the same `input` object. That object is therefore what
 * tells "another copy for the same instance", which must record nothing, from "another instance",
 * which must be recorded even if it is for a directory that was seen before. (The objects that
 * OpenCode hands to `event` hooks are made anew for each hook and cannot serve for this.)
 */

import type { Hooks, PluginInput, PluginOptions } from "@opencode-ai/plugin";
import { Calls } from "./calls.ts";
import type { Files } from "./files.ts";
import { hooks } from "./hooks.ts";
import type { Intercept } from "./intercept.ts";
import { late, lateForCommands } from "./late.ts";
import { isOff, Recording } from "./recording.ts";
import { tap } from "./tap.ts";

export interface Owner {
  /** Never rejects, and always resolves to an object: OpenCode cannot bear anything else. */
  server(input: PluginInput, options?: PluginOptions): Promise<Hooks>;
}

const OWNER = Symbol.for("octrace");

/** The copy that owns this process; this one, if it is the first. */
export function owner(): Owner {
  const global = globalThis as { [OWNER]?: Owner };
  return (global[OWNER] ??= create());
}

function create(): Owner {
  const recording = new Recording();
  const calls = new Calls();
  let made: Intercept | undefined;
  const intercept = () => (made ??= new (lateForCommands().Intercept)(recording));
  let noted: Files | undefined;
  const isTracing = !isOff(process.env["AGENT_TRACE_ENABLED"]);
  const files = () => (isTracing ? (noted ??= new (late().Files)(recording)) : undefined);
  const seen = new WeakSet<PluginInput>();
  let tapped = false;

  return {
    async server(input, options) {
      try {
        if (seen.has(input)) {
          // The options may stand beside another copy's name than the first one's.
          if (options) recording.join(input, options);
          return {};
        }
        seen.add(input);
        if (!tapped) {
          tapped = true;
          recording.diagnose({ event: "install.start" });
          tap(recording, calls, intercept);
          recording.diagnose({ event: "install.patched" });
        }
        recording.join(input, options);
        return hooks(recording, calls, intercept, files, input);
      } catch {
        return {};
      }
    },
  };
}
