/**
 * octrace's plugin for OpenCode: records what goes over the wire and what the agent does.
 *
 * OpenCode calls every function that a plugin file exports, so this file exports one object and
 * nothing else, ever. What happens next is in `owner.ts` (once per process) and `hooks.ts` (what
 * OpenCode tells us); `tap.ts` is where requests are seen.
 *
 * Three promises hold everywhere below: nothing here throws into OpenCode, makes it wait, or
 * prints. The one exception is asked for: `/intercept` waits for the recorder, and where no answer can be
 * given in a model's place it ends by an error (`elsewhere.ts`).
 */

import { owner } from "./owner.ts";

export default { id: "octrace", server: owner().server };
