/** Replaces `fetch`, as the plugin does. For tests only. */

import { Calls } from "../calls.ts";
import { Intercept } from "../intercept.ts";
import { Recording } from "../recording.ts";
import { tap } from "../tap.ts";

export function tapped(calls = new Calls(), recording = new Recording()): void {
  tap(recording, calls, () => new Intercept(recording));
}
