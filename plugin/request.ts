/**
 * What a call of `fetch` asks for, in all the shapes that its arguments may have; and the same
 * arguments without our token.
 */

import { readBody, readRequestBody, type Body } from "./body.ts";
import { CALL_HEADER } from "./calls.ts";

export type FetchArguments = [input: unknown, init?: RequestInit | undefined, ...rest: unknown[]];

export interface Outgoing {
  /** What to call `fetch` with. The very same array where there was no token. */
  args: FetchArguments;
  /** The value of {@link CALL_HEADER}, where it was set. */
  token: string | undefined;
  method: string;
  url: string;
  /** In order, without the token. */
  headers: [name: string, value: string][];
  signal: AbortSignal | undefined;
  header(name: string): string | null;
  /** For a `Request`, to be asked for before the request is sent. */
  body(): Body;
}

export function readRequest(args: FetchArguments): Outgoing {
  const [input, init] = args;
  const request = input instanceof Request ? input : undefined;
  const all = headerPairs(init?.headers ?? request?.headers);
  const headers = all.filter(([name]) => !isToken(name));
  const token = all.find(([name]) => isToken(name))?.[1];
  return {
    args: token === undefined ? args : withoutToken(args),
    token,
    method: String(init?.method ?? request?.method ?? "GET").toUpperCase(),
    url: request ? request.url : String(input),
    headers,
    signal: init?.signal ?? request?.signal ?? undefined,
    header: (name) => headers.find(([known]) => known.toLowerCase() === name)?.[1] ?? null,
    body: () => (init?.body === undefined && request ? readRequestBody(request) : readBody(init?.body)),
  };
}

/** The same request with another body; `undefined` where that cannot be told to `fetch`. */
export function withBody(request: Outgoing, body: string): Outgoing | undefined {
  const [input, init, ...rest] = request.args;
  if (!init?.body) return undefined;
  return { ...request, args: [input, { ...init, body }, ...rest], body: () => readBody(body) };
}

function isToken(name: string): boolean {
  return name.toLowerCase() === CALL_HEADER;
}

function headerPairs(headers: unknown): [string, string][] {
  if (!headers || typeof headers !== "object") return [];
  const pairs: Iterable<readonly unknown[]> =
    Symbol.iterator in headers ? (headers as Iterable<unknown[]>) : Object.entries(headers);
  return Array.from(pairs, ([name, value]) => [String(name), String(value)]);
}

/**
 * The agent's own objects stay as they are, since it may send them again; only what cannot be
 * copied faithfully (a `Request`, or an `init` of some class) loses the token itself.
 */
function withoutToken(args: FetchArguments): FetchArguments {
  const [input, init, ...rest] = args;
  const headers: unknown = init?.headers;
  if (!init || !headers) {
    if (input instanceof Request) input.headers.delete(CALL_HEADER);
    return args;
  }
  if (isPlain(init)) {
    return [input, { ...init, headers: copyWithoutToken(headers) as Headers }, ...rest];
  }
  if (headers instanceof Headers) headers.delete(CALL_HEADER);
  return args;
}

function copyWithoutToken(headers: unknown): unknown {
  if (headers instanceof Headers) {
    const copy = new Headers(headers);
    copy.delete(CALL_HEADER);
    return copy;
  }
  const kept = headerPairs(headers).filter(([name]) => !isToken(name));
  return Array.isArray(headers) ? kept : Object.fromEntries(kept);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
