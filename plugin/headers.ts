/**
 * Which header values may be written: those on a list. Names always are; every other value becomes
 * `[REDACTED]`. A list of what is harmless stays right when a provider invents a header; a list
 * of what is secret does not.
 */

import { REDACTED, withoutScheme } from "./secrets.ts";

export type HeaderList = [name: string, value: string][];

const HARMLESS: ReadonlySet<string> = new Set([
  // What was said, and how it is encoded.
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "connection",
  "content-encoding",
  "content-language",
  "content-length",
  "content-type",
  "date",
  "host",
  "keep-alive",
  "server",
  "transfer-encoding",
  "user-agent",
  "vary",
  // Versions and betas: they change what an answer looks like.
  "anthropic-beta",
  "anthropic-version",
  "copilot-integration-id",
  "openai-beta",
  "openai-intent",
  "openai-model",
  "openai-version",
  "x-goog-api-client",
  "x-initiator",
  // Ids that a provider's support asks for.
  "apim-request-id",
  "cf-ray",
  "request-id",
  "x-amzn-requestid",
  "x-cloud-trace-context",
  "x-request-id",
  "x-ms-region",
  // Timing, limits, retries.
  "openai-processing-ms",
  "retry-after",
  "retry-after-ms",
  "server-timing",
  "x-envoy-upstream-service-time",
  "x-should-retry",
  // OpenCode's own.
  "session_id",
  "x-parent-session-id",
  "x-session-affinity",
  "x-session-id",
]);

/** `x-opencode-session`, `anthropic-ratelimit-tokens-remaining`, `x-stainless-retry-count`, … */
const HARMLESS_PREFIX = /^(x-opencode-|x-stainless-|(x-|anthropic-)ratelimit-)/;

/** Names that look harmless by prefix but say themselves that they are not. */
const SUSPECT = /auth|cookie|credential|password|secret|api-?key|-key$|-token$/;

/** The headers as they may be written, in order. */
export function recordable(headers: Iterable<[string, string]>): HeaderList {
  return Array.from(headers, ([name, value]) => [name, isHarmless(name) ? value : REDACTED]);
}

/** The values of headers that carry credentials. */
export function headerCredentials(headers: Iterable<[string, string]>): string[] {
  const found: string[] = [];
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (isHarmless(lower) || !(SUSPECT.test(lower) || /key|token/.test(lower))) continue;
    if (lower === "cookie" || lower === "set-cookie") found.push(...cookieValues(value));
    else found.push(...withoutScheme(value));
  }
  return found;
}

function isHarmless(name: string): boolean {
  const lower = name.toLowerCase();
  if (HARMLESS.has(lower)) return true;
  return HARMLESS_PREFIX.test(lower) && !SUSPECT.test(lower);
}

function cookieValues(value: string): string[] {
  return value.split(";").map((pair) => pair.slice(pair.indexOf("=") + 1).trim());
}
