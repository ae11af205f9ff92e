/**
 * The modules that are needed to record, but not to begin. OpenCode waits while a plugin's modules are
 * read; these are read, all at once, when the first frame or request is due.
 */

/** What recording needs. Reads them if need be. */
export function late() {
  return (modules ??= {
    ...(require("./backends.ts") as typeof import("./backends.ts")),
    ...(require("./document.ts") as typeof import("./document.ts")),
    ...(require("./events.ts") as typeof import("./events.ts")),
    ...(require("./files.ts") as typeof import("./files.ts")),
    ...(require("./recorder.ts") as typeof import("./recorder.ts")),
    ...(require("./request.ts") as typeof import("./request.ts")),
    ...(require("./requests.ts") as typeof import("./requests.ts")),
    ...(require("./root.ts") as typeof import("./root.ts")),
    ...(require("./secrets.ts") as typeof import("./secrets.ts")),
    ...(require("./settings.ts") as typeof import("./settings.ts")),
    ...(require("./spool.ts") as typeof import("./spool.ts")),
    ...(require("./utf8.ts") as typeof import("./utf8.ts")),
  });
}

/** What `/intercept` needs, at first when messages go to a model. */
export function lateForCommands() {
  return (forCommands ??= {
    ...(require("./elsewhere.ts") as typeof import("./elsewhere.ts")),
    ...(require("./forget.ts") as typeof import("./forget.ts")),
    ...(require("./intercept.ts") as typeof import("./intercept.ts")),
    ...(require("./respond.ts") as typeof import("./respond.ts")),
    ...(require("./standing.ts") as typeof import("./standing.ts")),
  });
}

let modules: Modules | undefined;
let forCommands: ForCommands | undefined;

type Modules = typeof import("./backends.ts") &
  typeof import("./document.ts") &
  typeof import("./events.ts") &
  typeof import("./files.ts") &
  typeof import("./recorder.ts") &
  typeof import("./request.ts") &
  typeof import("./requests.ts") &
  typeof import("./root.ts") &
  typeof import("./secrets.ts") &
  typeof import("./settings.ts") &
  typeof import("./spool.ts") &
  typeof import("./utf8.ts");

type ForCommands = typeof import("./elsewhere.ts") &
  typeof import("./forget.ts") &
  typeof import("./intercept.ts") &
  typeof import("./respond.ts") &
  typeof import("./standing.ts");
