/**
 * The user's `config.toml`: the one setting in it that the plugin itself obeys, and its text for those who look for
 * variables and keys in it. Everything else, and what is wrong with it, is the recorder's business.
 */

import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** A configuration is never this long, in bytes. */
const LONGEST = 1 << 20;

let strictness: boolean | undefined;

/** `capture.require_provider_header`, as it was when first asked for; false where it is not set. */
export function isStrict(): boolean {
  return (strictness ??= readStrictness());
}

/** The setting as it is now. Never throws. */
export function readStrictness(env = process.env): boolean {
  try {
    const config = Bun.TOML.parse(userConfig(env)) as { capture?: { require_provider_header?: unknown } };
    return config.capture?.require_provider_header === true;
  } catch {
    return false;
  }
}

/** The file's text as it is now; empty where there is none, or something else in its place. Never throws. */
export function userConfig(env = process.env): string {
  try {
    const set = env["XDG_CONFIG_HOME"];
    const folder = set && isAbsolute(set) ? set : join(env["HOME"] || homedir(), ".config");
    const path = join(folder, "octrace/config.toml");
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() && stat.size <= LONGEST ? readFileSync(path, "utf8") : "";
  } catch {
    return "";
  }
}
