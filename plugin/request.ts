/**
 * What a call of `fetch` asks for, in all the shapes that its arguments may have; and the same
 * arguments without our token.
 */

import { readBody, readRequestBody, type Body } from "./body.ts";
import { CALL_HEADER } from "./calls.ts";

export type FetchArguments = [input: unknown, init?: RequestInit | undefined, ...rest: unknown[]];

/** Read when it is asked for: until the request is under way, OpenCode waits for what is done here. */
export class Outgoing {
  /** What to call `fetch` with. The very same array where there was no token. */
  readonly args: FetchArguments;
  /** The value of {@link CALL_HEADER}, where it was set. */
  readonly token: string | undefined;
  #headers: [name: string, value: string][] | undefined;

  constructor(args: FetchArguments, token: string | undefined) {
    this.args = args;
    this.token = token;
  }

  get method(): string {
    return String(this.#init?.method ?? this.#request?.method ?? "GET").toUpperCase();
  }

  get url(): string {
    return this.#request ? this.#request.url : String(this.args[0]);
  }

  /** In order, without the token. */
  get headers(): [name: string, value: string][] {
    const read = () => headerPairs(this.#init?.headers ?? this.#request?.headers).filter(([name]) => !isToken(name));
    return (this.#headers ??= read());
  }

  get signal(): AbortSignal | undefined {
    return this.#init?.signal ?? this.#request?.signal ?? undefined;
  }

  header(name: string): string | null {
    return this.headers.find(([known]) => known.toLowerCase() === name)?.[1] ?? null;
  }

  /** For a `Request`, to be asked for before the request is sent. */
  body(): Body {
    const body = this.#init?.body;
    return body === undefined && this.#request ? readRequestBody(this.#request) : readBody(body);
  }

  /** The same request with another body; `undefined` where that cannot be told to `fetch`. */
  withBody(body: string): Outgoing | undefined {
    const [input, init, ...rest] = this.args;
    return init?.body ? new Outgoing([input, { ...init, body }, ...rest], this.token) : undefined;
  }

  get #request(): Request | undefined {
    const [input] = this.args;
    return input instanceof Request ? input : undefined;
  }

  get #init(): RequestInit | undefined {
    return this.args[1];
  }
}

export function readRequest(args: FetchArguments): Outgoing {
  return readPlain(args) ?? readAny(args);
}

/** As nearly all of OpenCode's requests are: it waits for what is done here. */
function readPlain([input, init, ...rest]: FetchArguments): Outgoing | undefined {
  const headers: object | undefined = init?.headers;
  if (!init || !headers || !Object.hasOwn(headers, CALL_HEADER) || !isPlain(headers) || !isPlain(init)) return undefined;
  const { [CALL_HEADER]: token, ...others } = headers as Record<string, string>;
  return new Outgoing([input, { ...init, headers: others }, ...rest], String(token));
}

function readAny(args: FetchArguments): Outgoing {
  const input = args[0];
  const token = tokenIn(args[1]?.headers ?? (input instanceof Request ? input.headers : undefined));
  return new Outgoing(token === undefined ? args : withoutToken(args), token);
}

function tokenIn(headers: unknown): string | undefined {
  if (!headers || typeof headers !== "object") return undefined;
  if (headers instanceof Headers) return headers.get(CALL_HEADER) ?? undefined;
  if (Symbol.iterator in headers) return headerPairs(headers).find(([name]) => isToken(name))?.[1];
  const name = Object.keys(headers).find(isToken);
  return name === undefined ? undefined : String((headers as Record<string, unknown>)[name]);
}

function isToken(name: string): boolean {
  return name.length === CALL_HEADER.length && name.toLowerCase() === CALL_HEADER;
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
  const [input, init] = [args[0], args[1]];
  const headers: unknown = init?.headers;
  if (!init || !headers) {
    if (input instanceof Request) input.headers.delete(CALL_HEADER);
    return args;
  }
  if (isPlain(init)) {
    return [input, { ...init, headers: copyWithoutToken(headers) as Headers }, ...args.slice(2)];
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
  if (Array.isArray(headers)) return headerPairs(headers).filter(([name]) => !isToken(name));
  const all = Symbol.iterator in (headers as object) ? headerPairs(headers) : Object.entries(headers as object);
  return Object.fromEntries(all.filter(([name]) => !isToken(name)));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
