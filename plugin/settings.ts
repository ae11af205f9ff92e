/** What in OpenCode's environment holds for a recording, whoever records it: as in `octrace-wire`'s `Settings`. */

import { tmpdir } from "node:os";
import { keys, variables } from "./backends.ts";

/** `data` is OpenCode's data folder. */
export function settings(data: string, env = process.env) {
  return {
    jsonl_dir: env["OPENCODE_API_TRACER_DIR"] ?? "",
    debug: env["OPENCODE_API_TRACER_DEBUG"] ?? "",
    debug_file: env["OPENCODE_API_TRACER_DEBUG_FILE"] ?? "",
    tmp: tmpdir(),
    data,
    agent_trace: {
      enabled: env["AGENT_TRACE_ENABLED"] ?? "",
      database: databaseUrl(env["AGENT_TRACE_DATABASE_URL"] ?? ""),
      application_database: databaseUrl(env["DATABASE_URL"] ?? ""),
      redaction: env["AGENT_TRACE_REDACTION"] ?? "",
      spec_version: env["AGENT_TRACE_SPEC_VERSION"] ?? "",
      tool_name: env["AGENT_TRACE_TOOL_NAME"] ?? "",
      tool_version: env["AGENT_TRACE_TOOL_VERSION"] ?? "",
    },
    variables: variables(env),
    keys: keys(env),
  };
}

const POSTGRES = /^(postgres(?:ql)?:\/\/)([^/?#]*)([^?#]*)(?:\?([^#]*))?/i;
const USER = /^[\w.~%!$&'()*+,;=-]*$/;
/** One or several, each with its port where it has one. */
const HOSTS = /^(?:(?:\[[0-9a-f:.%]+\]|[\w.~%-]*)(?::\d{1,5})?(?:,(?!$)|$))+$/i;
/** Parameters that say that it is another database, or whose names hide what they are. */
const ELSEWHERE = /(?:^|&)(?:(?:host|hostaddr|port|user|dbname)(?:=|&|$)|[^=&]*%)/i;

/**
 * The URL of a Postgres without password and without parameters. Empty for everything else, and where what may be shown
 * is not told apart from the password for certain: `octrace` reads the whole of it as strictly (`config/database.rs`).
 */
export function databaseUrl(raw: string): string {
  const url = raw.trim();
  const [whole = "", scheme, authority = "", name = "", parameters = ""] = POSTGRES.exec(url) ?? [];
  const [, userinfo, hosts = authority] = /^(.*)@(.*)$/s.exec(authority) ?? [];
  const user = userinfo?.replace(/[:@].*$/s, "") ?? "";
  // Behind the host, an `@` is that of a password with a `/`, `?` or `#` in it.
  const isCut = url.slice(whole.length).includes("@") || name.includes("@") || parameters.includes("@");
  if (!scheme || isCut || ELSEWHERE.test(parameters)) return "";
  if (!USER.test(user) || !HOSTS.test(hosts) || /[\s\0]/.test(name)) return "";
  return `${scheme.toLowerCase()}${user && `${user}@`}${hosts}${name}`;
}
