/**
 * A response whose body is seen on its way to the agent.
 *
 * The body becomes a stream that asks the original for a chunk when the agent asks for one, hands it
 * on, and then shows it to us: same chunks, same pace, same back-pressure, and a cancel reaches the
 * server. `clone` and `tee` would keep what the agent has not read yet without bound, and would
 * keep an aborted stream alive.
 */

export interface Watcher {
  chunk(bytes: Uint8Array): void;
  /** The agent has everything. */
  complete(): void;
  /** The stream broke off. */
  failed(error: unknown): void;
  /** The agent wants no more. */
  cancelled(): void;
}

/** The response to hand to the agent in place of `response`. Throws before it has touched anything. */
export function watch(response: Response, watcher: Watcher): Response {
  const source = response.body;
  if (!source || isEmpty(response)) {
    watcher.complete();
    return response;
  }
  const body = watchedStream(source, watcher);
  const { status, statusText, headers } = response;
  return likeOriginal(new Response(body, { status, statusText, headers }), response);
}

/** Bun gives a stream in any case; nobody need ever read it to its end. */
function isEmpty({ status, headers }: Response): boolean {
  return status === 204 || status === 205 || status === 304 || headers.get("content-length") === "0";
}

function watchedStream(source: ReadableStream<Uint8Array>, watcher: Watcher): ReadableStream<Uint8Array> {
  // Not before the first chunk is asked for: until then, nothing has been touched.
  const open = () => source.getReader();
  type Read = Awaited<ReturnType<ReturnType<typeof open>["read"]>>;
  let reader: ReturnType<typeof open> | undefined;
  let agent: ReadableStreamDefaultController<Uint8Array>;
  // Made once, not for each chunk.
  const read = ({ done, value }: Read) => {
    if (done) {
      agent.close();
      quietly(() => watcher.complete());
      return;
    }
    agent.enqueue(value);
    try {
      watcher.chunk(value);
    } catch {
      // As in `quietly`.
    }
  };
  const broken = (error: unknown) => {
    agent.error(error);
    quietly(() => watcher.failed(error));
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        agent = controller;
      },
      pull: () => (reader ??= open()).read().then(read, broken),
      cancel(reason) {
        quietly(() => watcher.cancelled());
        return reader ? reader.cancel(reason) : source.cancel(reason);
      },
    },
    // Nothing is read before the agent asks for it.
    { highWaterMark: 0 },
  );
}

/** A constructed response cannot be given these properties by its constructor. */
function likeOriginal(response: Response, original: Response): Response {
  const own = { url: property(original.url), clone: CLONE, blob: BLOB };
  Object.defineProperties(response, own);
  // Nearly always the same.
  const { redirected, type } = original;
  if (response.redirected !== redirected) Object.defineProperty(response, "redirected", property(redirected));
  if (response.type !== type) Object.defineProperty(response, "type", property(type));
  return response;
}

function property(value: unknown): PropertyDescriptor {
  return { value, configurable: true, writable: true };
}

const originalClone = Response.prototype.clone;

const CLONE = property(function clone(this: Response): Response {
  return likeOriginal(originalClone.call(this), this);
});

/** Of a body that is a stream, Bun would not know the type. */
const BLOB = property(function blob(this: Response): Promise<Blob> {
  const { headers } = this;
  return this.bytes().then((bytes) => new Response(bytes, { headers }).blob());
});

function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // What we fail to note must not reach the agent's stream.
  }
}
