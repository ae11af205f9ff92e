/**
 * The one setting that the plugin itself needs from the user's `config.toml`. Everything else in that file,
 * and what is wrong with it, is the recorder's business.
 */

import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** A configuration is never this long, in bytes. */
const LONGEST = 1 << 20;

let known: boolean | undefined;

/** `capture.require_provider_header`, as it was when first asked for; false where it is not set. */
export function isStrict(): boolean {
  return (known ??= readStrictness());
}

/** The setting as it is now. Never throws. */
export function readStrictness(env = process.env): boolean {
  try {
    const set = env["XDG_CONFIG_HOME"];
    const folder = set && isAbsolute(set) ? set : join(env["HOME"] || homedir(), ".config");
    const path = join(folder, "octrace/config.toml");
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > LONGEST) return false;
    const config = Bun.TOML.parse(readFileSync(path, "utf8")) as { capture?: { require_provider_header?: unknown } };
    return config.capture?.require_provider_header === true;
  } catch {
    return false;
  }
}
