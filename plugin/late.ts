/**
 * The modules that are needed to record, but not to begin. OpenCode waits while a plugin's modules are
 * read; these are read, all at once, when the first frame or request is due.
 */

/** What recording needs. Reads them if need be. */
export function late() {
  return (modules ??= {
    ...(require("./diagnostics.ts") as typeof import("./diagnostics.ts")),
    ...(require("./exchange.ts") as typeof import("./exchange.ts")),
    ...(require("./model_request.ts") as typeof import("./model_request.ts")),
    ...(require("./recorder.ts") as typeof import("./recorder.ts")),
    ...(require("./root.ts") as typeof import("./root.ts")),
    ...(require("./spool.ts") as typeof import("./spool.ts")),
    ...(require("./strictness.ts") as typeof import("./strictness.ts")),
  });
}

/** What `/intercept` needs, at first when messages go to a model. */
export function lateForCommands() {
  return (forCommands ??= {
    ...(require("./answer.ts") as typeof import("./answer.ts")),
    ...(require("./elsewhere.ts") as typeof import("./elsewhere.ts")),
    ...(require("./forget.ts") as typeof import("./forget.ts")),
    ...(require("./standing.ts") as typeof import("./standing.ts")),
  });
}

let modules: Modules | undefined;
let forCommands: ForCommands | undefined;

type Modules = typeof import("./diagnostics.ts") &
  typeof import("./exchange.ts") &
  typeof import("./model_request.ts") &
  typeof import("./recorder.ts") &
  typeof import("./root.ts") &
  typeof import("./spool.ts") &
  typeof import("./strictness.ts");

type ForCommands = typeof import("./answer.ts") &
  typeof import("./elsewhere.ts") &
  typeof import("./forget.ts") &
  typeof import("./standing.ts");
