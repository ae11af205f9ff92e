/**
 * What OpenCode's environment says of tracing backends: where they are and what they get, as it stands there, and which
 * keys there are, as fingerprints. The recorder decides by it where a recording goes, and whoever has a key with that
 * fingerprint delivers it.
 *
 * A variable that is set to what cannot be told is told as empty: `octrace` (`config/backends`) takes that for a slip of
 * the pen, and sends nothing there, rather than for a variable that is not set.
 */

import { headerCredentials, type HeaderList } from "./headers.ts";
import { credentialsIn, decoded } from "./secrets.ts";
import { userConfig } from "./user_config.ts";

const PLAIN = [
  "NEATLOGS_WORKFLOW_NAME",
  "NEATLOGS_CAPTURE_SYSTEM_PROMPT",
  "OPENCODE_HELICONE_EXPORT_MODE",
  "OCTRACE_OTEL_EXPORTER_OTLP_PROTOCOL",
  "AGENT_TRACE_BATCH_SIZE",
  "AGENT_TRACE_FLUSH_MS",
  "AGENT_TRACE_RETRY_MAX",
];
const ENDPOINTS = ["NEATLOGS_ENDPOINT", "HELICONE_ENDPOINT", "OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT"];
const KEYS = ["NEATLOGS_API_KEY", "HELICONE_API_KEY"];
const HEADERS = "OCTRACE_OTEL_EXPORTER_OTLP_HEADERS";

/** No name and no mode is longer, in characters. */
const LONGEST = 1024;

/** The user's file names no more variables. */
const MOST = 64;

/** Settings that are no secrets, of those that are set. */
export function variables(env = process.env): { [name: string]: string } {
  return Object.fromEntries([
    ...setOf(env, PLAIN).map(([name, value]) => [name, value.length > LONGEST ? "" : value]),
    ...setOf(env, ENDPOINTS).map(([name, value]) => [name, endpointUrl(value)]),
  ]);
}

/** The fingerprints of the keys that are set, by the names of their variables. */
export function keys(env = process.env, config = userConfig(env)): { [name: string]: string } {
  return Object.fromEntries([
    ...setOf(env, [...KEYS, ...named(config)]).map(([name, value]) => [name, keyPrint(value)]),
    ...setOf(env, [HEADERS]).map(([name, value]) => [name, headersPrint(value)]),
  ]);
}

/** The keys themselves, also those that stand in the user's file: they must be found nowhere. Never throws. */
export function backendCredentials(env = process.env, config = userConfig(env)): string[] {
  try {
    const headers = env[HEADERS];
    return [...(headers ? listed(headers) : []), ...(config ? written(config, env) : [])];
  } catch {
    return [];
  }
}

/** Encoded and decoded. */
function listed(headers: string): string[] {
  const pairs = headers.split(",").flatMap((entry): HeaderList => {
    const at = entry.indexOf("=");
    const [name, value] = [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
    return [[name, value], [name, decoded(value)]];
  });
  return headerCredentials(pairs);
}

function written(config: string, env: NodeJS.ProcessEnv): string[] {
  const { otlp, ...others } = Bun.TOML.parse(config) as { otlp?: unknown };
  const tables = [otlp].flat() as { headers?: object }[];
  const headers = tables.flatMap((table) => Object.entries(table?.headers ?? {}));
  const filled = headers.map(([name, value]): [string, string] => [
    name,
    String(value).replace(VARIABLE, (whole, variable: string) => env[variable] ?? whole),
  ]);
  return [...headerCredentials(filled), ...credentialsIn(others)];
}

function setOf(env: NodeJS.ProcessEnv, names: string[]): [string, string][] {
  return names.flatMap((name) => {
    const value: unknown = env[name];
    return typeof value === "string" && value ? [[name, value]] : [];
  });
}

/** The variables that the user's file names as `${NAME}`. */
export function named(config: string): string[] {
  return [...new Set(Array.from(config.matchAll(VARIABLE), ([, name = ""]) => name))].slice(0, MOST);
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** What can stand in a header. */
const PRINTABLE = /^[ -~]+$/;

/** What tells two keys apart; empty for what is none. */
export function keyPrint(key: string): string {
  if (!PRINTABLE.test(key)) return "";
  return new Bun.CryptoHasher("sha256").update("octrace key\0").update(key).digest("hex").slice(0, 8);
}

const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(.+)$/;

/** The same for `name=value,other=value`, percent-encoded. */
export function headersPrint(headers: string): string {
  const entries = headers.split(",").map((entry) => entry.trim());
  const isHeader = (entry: string) => isDecodable(HEADER.exec(entry)?.[2] ?? "");
  const given = entries.filter((entry) => entry !== "");
  return given.length > 0 && given.every(isHeader) ? keyPrint(headers) : "";
}

function isDecodable(value: string): boolean {
  try {
    return PRINTABLE.test(decodeURIComponent(value));
  } catch {
    return false;
  }
}

const ENDPOINT = /^(https?:\/\/)((?:\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?(?:\/[\w.~%!$&'()*+,;=:/-]*)?)$/i;

/** The base URL of a backend; empty for everything else, and for one with a user, a query or a fragment in it. */
export function endpointUrl(raw: string): string {
  const [, scheme = "", rest = "", port = "0"] = ENDPOINT.exec(raw.trim()) ?? [];
  return Number(port) > 65535 ? "" : scheme.toLowerCase() + rest;
}
