/**
 * Which requests are recorded: those that OpenCode makes to a model. Everything else, such as pages
 * that a tool reads or MCP servers, is never recorded.
 */

export interface Candidate {
  method: string;
  url: string;
  /** A header's value, by lower-case name. */
  header(name: string): string | null;
  /** Whether our own token came with it: OpenCode itself says that this is a model call. */
  marked: boolean;
  /** The body where it is text; asked for only when the rest does not decide. */
  bodyText(): string | undefined;
}

export type Reason =
  | "method-not-post"
  | "missing-provider-header"
  | "missing-provider-header-not-llm-endpoint"
  | "not-llm-endpoint"
  | "json-rpc"
  /** What `/intercept` asks of a model is answered by us. */
  | "intercept-command";

export type Verdict = { traced: true } | { traced: false; reason: Reason };

/** OpenCode sends one of these with each model request, which one depends on the provider. */
export const SESSION_HEADERS = ["x-opencode-session", "x-session-affinity", "session_id"];

const PROVIDER_HEADERS = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "anthropic-version"];

const ENDPOINT = /(\/messages|\/chat\/completions|\/responses|:generateContent|:streamGenerateContent)\/?$/i;

/** Bodies above this are not parsed to find out whether they are of interest. */
const MAX_PARSED = 16 << 20;

/** `strict`: requests without a provider's header are left out even where the URL fits. */
export function classify(request: Candidate, strict = false): Verdict {
  const has = (name: string) => request.header(name) !== null;
  if (request.marked || SESSION_HEADERS.some(has)) return { traced: true };
  if (request.method !== "POST") return { traced: false, reason: "method-not-post" };

  const providerHeader = PROVIDER_HEADERS.some(has);
  if (strict && !providerHeader) return { traced: false, reason: "missing-provider-header" };

  const body = request.bodyText();
  const path = request.url.replace(/[?#].*$/s, "");
  if (ENDPOINT.test(path)) {
    // MCP servers like `/messages` too; what they are sent names its protocol.
    return isJsonRpc(body) ? { traced: false, reason: "json-rpc" } : { traced: true };
  }
  if (hasModelShape(body)) return { traced: true };
  return {
    traced: false,
    reason: providerHeader ? "not-llm-endpoint" : "missing-provider-header-not-llm-endpoint",
  };
}

/** A `messages` array (most), `input` beside `model` (OpenAI responses), or `contents[].parts` (Gemini). */
function hasModelShape(text: string | undefined): boolean {
  const body = parsed(text, /"(messages|input|contents)"/);
  if (!body) return false;
  if ("jsonrpc" in body) return false;
  if (Array.isArray(body["messages"])) return true;
  if ("input" in body && "model" in body) return true;
  const contents = body["contents"];
  return (
    Array.isArray(contents) &&
    contents.some((content: unknown) => Array.isArray((content as { parts?: unknown } | null)?.parts))
  );
}

/** One message, or a batch of them. */
function isJsonRpc(text: string | undefined): boolean {
  const body = parsed(text, /"jsonrpc"/);
  const first: unknown = Array.isArray(body) ? body[0] : body;
  return typeof first === "object" && first !== null && "jsonrpc" in first;
}

/** The JSON object or array in `text`, if it is one and if `hint` occurs: most bodies need no parsing. */
function parsed(text: string | undefined, hint: RegExp): Record<string, unknown> | undefined {
  if (text === undefined || text.length > MAX_PARSED) return undefined;
  if (!/^\s*[{[]/.test(text) || !hint.test(text)) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
