/**
 * Whatever a server answers and however the agent reads it: everything that the agent can see of it is
 * the same with the tap and without.
 */

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { Kind } from "../frame.ts";
import { json } from "./read_spool.ts";
import { tapped } from "./tapped.ts";
import { world } from "./world.ts";

const here = world();
const plain = globalThis.fetch;
beforeEach(() => tapped());

const TEXT = '{"answer":"naïve 😀","list":[1,2,3]}';
const ANSWERS: Record<string, () => Response> = {
  json: () => new Response(TEXT, { headers: { "content-type": "application/json", "x-request-id": "req_1" } }),
  gzip: () =>
    new Response(Bun.gzipSync(Buffer.from(TEXT.repeat(100))), {
      headers: { "content-encoding": "gzip", "content-type": "application/json" },
    }),
  stream: () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          for (const byte of Buffer.from(TEXT)) {
            controller.enqueue(Uint8Array.of(byte));
            await Bun.sleep(0);
          }
          controller.close();
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    ),
  binary: () => new Response(Uint8Array.from({ length: 70_000 }, (_, i) => i % 251)),
  empty: () => new Response(""),
  204: () => new Response(null, { status: 204 }),
  304: () => new Response(null, { status: 304 }),
  401: () => new Response('{"error":{"message":"no"}}', { status: 401, statusText: "Unauthorized" }),
  500: () => new Response("<html>busy</html>", { status: 500, headers: { "retry-after": "1" } }),
  moved: () => Response.redirect("/json", 307),
  "moved-to-nothing": () => Response.redirect("/304", 303),
  cookies: () =>
    new Response(TEXT, { headers: [["set-cookie", "a=1; Path=/"], ["set-cookie", "b=2"], ["x-a", "1"], ["x-a", "2"]] }),
};
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) => ANSWERS[new URL(request.url).pathname.slice(1)]?.() ?? new Response("?", { status: 404 }),
});
afterAll(() => server.stop(true));

type Reader = (response: Response) => Promise<unknown>;
const bytesOf = async (chunks: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(chunks));
const READERS: Record<string, Reader> = {
  "text()": (response) => response.text(),
  "json()": (response) => response.json(),
  "arrayBuffer()": async (response) => Buffer.from(await response.arrayBuffer()),
  "bytes()": async (response) => Buffer.from(await response.bytes()),
  "blob()": async (response) => {
    const blob = await response.blob();
    return [blob.size, await blob.text()];
  },
  "clone(), both read": async (response) => {
    const copy = response.clone();
    return [copy.url, copy.redirected, copy.status, await copy.text(), await response.text()];
  },
  "body.getReader()": async (response) => {
    const reader = response.body?.getReader();
    const parts: Uint8Array[] = [];
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done || !value) return Buffer.concat(parts);
      parts.push(value);
    }
  },
  "for await": (response) => bytesOf((response.body ?? []) as AsyncIterable<Uint8Array>),
  "body.tee()": async (response) => {
    const sides = response.body?.tee() ?? [];
    return Promise.all(sides.map((side) => bytesOf(side as unknown as AsyncIterable<Uint8Array>)));
  },
  "pipeThrough()": async (response) => {
    const text = response.body?.pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>);
    return text && (await Array.fromAsync(text as unknown as AsyncIterable<string>)).join("");
  },
  "nothing read": async () => undefined,
};

/** Bun words the same error in several ways, depending on how it holds the body. */
const failure = (error: unknown) => `throws ${(error as Error).name}`;

/** Everything that can be seen of an answer, before, while and after it is read. */
async function look(response: Response, read: Reader): Promise<object> {
  const { url, redirected, type, ok, status, statusText } = response;
  const facts = { url, redirected, type, ok, status, statusText, isResponse: response instanceof Response };
  const headers = [...response.headers].filter(([name]) => name !== "date");
  const before = { bodyUsed: response.bodyUsed, body: response.body === null, locked: response.body?.locked };
  const content = await read(response).catch(failure);
  const after = { bodyUsed: response.bodyUsed, again: await response.text().catch(failure) };
  return { ...facts, headers, cookies: response.headers.getSetCookie(), before, content, after };
}

// The mark of OpenCode's own requests: so that those other than POST are recorded too.
const ask = (fetcher: typeof fetch, name: string, init: RequestInit = {}) =>
  fetcher(new URL(name, server.url), { headers: { "x-session-affinity": "ses_1" }, ...init });

describe.each(Object.keys(ANSWERS))("an answer of the kind %s", (name) => {
  test.each(Object.entries(READERS))("read by %s", async (_, read) => {
    const [without, tapped] = [await ask(plain, name), await ask(fetch, name)];
    expect(await look(tapped, read)).toEqual(await look(without, read));
    const recorded = here.frames().filter(({ kind }) => kind === Kind.Response).map(json);
    expect(recorded).toMatchObject([{ status: without.status }]);
  });
});

test.each([
  ["HEAD", { method: "HEAD" }],
  ["a redirect that is not followed", { redirect: "manual" }],
  ["a redirect that is an error", { redirect: "error" }],
] as [string, RequestInit][])("%s", async (_, init) => {
  const seen = (fetcher: typeof fetch) =>
    ask(fetcher, "moved", init).then((response) => look(response, (it) => it.text()), failure);
  expect(await seen(fetch)).toEqual(await seen(plain));
  expect(here.frames().filter(({ kind }) => kind === Kind.Request)).toHaveLength(1);
});

// Not compared: without the tap it is missing where the body was still arriving.
test("a blob has the answer's type", async () => {
  const { type } = await new Response(TEXT, { headers: { "content-type": "application/json" } }).blob();
  expect((await (await ask(fetch, "json")).blob()).type).toBe(type);
});
