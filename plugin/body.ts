/**
 * Request bodies, as far as they can be read without the agent noticing: now, and without using
 * anything up.
 */

export type Body =
  | { kind: "none"; size: 0 }
  /** Not read: reading would consume it, or take time. `size` is 0 where it is not known. */
  | { kind: "stream"; size: number }
  /** The size is in bytes, and counted when it is asked for. */
  | { kind: "text"; readonly size: number; text: string }
  /** The agent's own memory, which it may use again as soon as `fetch` has returned. */
  | { kind: "bytes"; size: number; bytes: Uint8Array };

const NONE: Body = { kind: "none", size: 0 };
const STREAM: Body = { kind: "stream", size: 0 };

/** The `body` of an `init`. */
export function readBody(body: unknown): Body {
  if (body === null || body === undefined) return NONE;
  if (typeof body === "string") return text(body);
  if (body instanceof URLSearchParams) return text(body.toString());
  if (body instanceof Uint8Array) return bytes(body);
  if (body instanceof ArrayBuffer || body instanceof SharedArrayBuffer) return bytes(new Uint8Array(body));
  if (ArrayBuffer.isView(body)) return bytes(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  if (body instanceof Blob) return settled(body.bytes()) ?? { kind: "stream", size: body.size };
  return STREAM;
}

/**
 * The body of a `Request`, from a clone: call this before the request is sent. Bun gives a body that
 * is in memory at once; one that is a stream stays unread.
 */
export function readRequestBody(request: Request): Body {
  if (request.bodyUsed) return STREAM;
  const read = settled(request.clone().bytes());
  if (!read) return STREAM;
  return read.size === 0 ? NONE : read;
}

/** The body as text, for what has to look into it. */
export function bodyText(body: Body): string | undefined {
  if (body.kind === "text") return body.text;
  return body.kind === "bytes" ? new TextDecoder().decode(body.bytes) : undefined;
}

function settled(promise: Promise<Uint8Array>): Body | undefined {
  const value = Bun.peek(promise);
  if (value instanceof Uint8Array) return bytes(value);
  promise.catch(() => {});
  return undefined;
}

function text(value: string): Body {
  return {
    kind: "text",
    text: value,
    get size() {
      return Buffer.byteLength(value);
    },
  };
}

function bytes(value: Uint8Array): Body {
  return { kind: "bytes", size: value.length, bytes: value };
}
