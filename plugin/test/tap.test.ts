/** The tap against a real server: what the agent gets, and what is recorded. */

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { CALL_HEADER, Calls, mayCarryToken } from "../calls.ts";
import { Kind } from "../frame.ts";
import { Recording } from "../recording.ts";
import { json } from "./read_spool.ts";
import { tapped } from "./tapped.ts";
import { until, world } from "./world.ts";

const here = world();
const plain = globalThis.fetch;
const seen: { headers: Headers; body: string; aborted: boolean }[] = [];

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  async fetch(request) {
    const entry = { headers: request.headers, body: await request.text(), aborted: false };
    seen.push(entry);
    request.signal.addEventListener("abort", () => (entry.aborted = true));
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/redirect/messages")) return Response.redirect("/v1/messages", 307);
    if (pathname.endsWith("/empty/messages")) return new Response(null, { status: 204 });
    if (pathname.endsWith("/echo/messages")) return new Response(`you sent ${request.headers.get("x-api-key")}`);
    if (pathname.endsWith("/endless/messages")) {
      return new Response(
        new ReadableStream({
          async pull(controller) {
            controller.enqueue(new Uint8Array(64 << 10));
            await Bun.sleep(0);
          },
        }),
      );
    }
    const headers = new Headers({ "content-type": "application/json", "x-request-id": "req_1" });
    headers.append("set-cookie", "a=first-cookie");
    headers.append("set-cookie", "b=second-cookie");
    return new Response('{"answer":42}', { status: 200, headers });
  },
});
afterAll(() => server.stop(true));

/** Answers with what it is told to write, then cuts the connection. */
const cutting = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    data(socket) {
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100\r\n\r\ndata: begun\n\n");
      socket.flush();
      setTimeout(() => socket.terminate(), 30);
    },
  },
});
afterAll(() => cutting.stop(true));

const at = (path: string) => `http://127.0.0.1:${server.port}${path}`;
const post = (path: string, init: RequestInit = {}) => fetch(at(path), { method: "POST", body: "{}", ...init });
const of = (kind: Kind) => here.frames().filter((frame) => frame.kind === kind);
const ends = () => of(Kind.End).map((frame) => json(frame).outcome);

let calls: Calls;
beforeEach(() => {
  seen.length = 0;
  calls = new Calls();
  tapped(calls);
});

describe("the agent gets what it would get without us", () => {
  test("everything about a response", async () => {
    const [ours, original] = [await post("/v1/redirect/messages"), await plain(at("/v1/redirect/messages"), { method: "POST", body: "{}" })];
    for (const name of ["url", "redirected", "status", "statusText", "ok", "type", "bodyUsed"] as const) {
      expect([name, ours[name]]).toEqual([name, original[name]]);
    }
    const withoutDate = (headers: Headers) => [...headers].filter(([name]) => name !== "date");
    expect(withoutDate(ours.headers)).toEqual(withoutDate(original.headers));
    expect(ours).toBeInstanceOf(Response);
    const copy = ours.clone();
    expect([copy.url, await copy.text()]).toEqual([original.url, '{"answer":42}']);
    expect(await ours.json()).toEqual({ answer: 42 });
    expect(ours.bodyUsed).toBe(true);
    expect(ends()).toEqual(["complete"]);
  });

  test("each way to read a body", async () => {
    expect(await (await post("/v1/messages")).text()).toBe('{"answer":42}');
    expect((await (await post("/v1/messages")).arrayBuffer()).byteLength).toBe(13);
    expect((await (await post("/v1/messages")).blob()).size).toBe(13);
    expect((await (await post("/v1/messages")).bytes()).length).toBe(13);
    expect(ends()).toEqual(["complete", "complete", "complete", "complete"]);
  });

  test("the same chunks in the same order, each recorded by the time the agent has it", async () => {
    const chunks = ["one", "two", "", "three\xff", "four"].map((text) => Buffer.from(text, "latin1"));
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    });
    globalThis.fetch = Object.assign(async () => new Response(source), { preconnect: plain.preconnect });
    tapped(calls);
    const response = await fetch("http://h/v1/messages", { method: "POST" });
    const got: Uint8Array[] = [];
    for await (const chunk of response.body!) {
      got.push(chunk);
      if (chunk.length > 0) expect(of(Kind.ResponseBody).at(-1)?.payload.equals(chunk)).toBe(true);
    }
    // The very same arrays, not copies.
    expect(got).toHaveLength(chunks.length);
    got.forEach((chunk, i) => expect(chunk).toBe(chunks[i]!));
    expect(json(of(Kind.End)[0])).toEqual({ outcome: "complete", bytes: 16, chunks: 5, cut: false, error: null });
  });

  test("an error is the original's own", async () => {
    const error = new TypeError("refused");
    globalThis.fetch = Object.assign(() => Promise.reject(error), { preconnect: plain.preconnect });
    tapped(calls);
    const caught = await fetch("http://h/v1/messages", { method: "POST" }).catch((e: unknown) => e);
    expect(caught).toBe(error);
    expect(json(of(Kind.End)[0])).toMatchObject({ outcome: "failed", error: { name: "TypeError", message: "refused" } });
  });

  test("what is not for a model gets the original's own promise", async () => {
    const promise = Promise.resolve(new Response("page"));
    globalThis.fetch = Object.assign(() => promise, { preconnect: plain.preconnect });
    tapped(calls);
    expect(fetch("http://h/page")).toBe(promise);
    expect(fetch("http://h/mcp", { method: "POST", body: '{"jsonrpc":"2.0"}' })).toBe(promise);
    expect(fetch("http://h/v1/messages", { method: "POST" })).not.toBe(promise);
    await until("the one that is, to be recorded", () => of(Kind.Request).length > 0);
    expect(of(Kind.Request)).toHaveLength(1);
  });

  test("an answer, when all of ours fails", async () => {
    const broken = new Proxy(new Recording(), {
      get(_, name) {
        if (name === "isOn") return () => true;
        throw new Error("broken");
      },
    });
    globalThis.fetch = plain;
    tapped(calls, broken);
    expect(await (await post("/v1/messages")).text()).toBe('{"answer":42}');
    const refused = await fetch("http://127.0.0.1:1/v1/messages", { method: "POST" }).catch((e: Error) => e);
    expect((refused as { code?: string }).code).toBe("ConnectionRefused");
  });

  test("preconnect, and arguments that only the original may judge", async () => {
    expect(fetch.preconnect).toBe(plain.preconnect);
    expect(await (fetch as unknown as () => Promise<unknown>)().catch((e: Error) => e.constructor.name)).toBe(
      await (plain as unknown as () => Promise<unknown>)().catch((e: Error) => e.constructor.name),
    );
  });

  test("a consumer that stalls stalls the source, and its cancel reaches it", async () => {
    let pulled = 0;
    let cancelled: unknown;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(64 << 10));
        },
        cancel: (reason) => void (cancelled = reason),
      },
      { highWaterMark: 0 },
    );
    globalThis.fetch = Object.assign(async () => new Response(source), { preconnect: plain.preconnect });
    tapped(calls);
    const response = await fetch("http://h/v1/messages", { method: "POST" });
    await Bun.sleep(20);
    expect(pulled).toBe(0);
    const reader = response.body!.getReader();
    await reader.read();
    await Bun.sleep(20);
    expect(pulled).toBe(1);
    await reader.cancel("enough");
    expect(cancelled).toBe("enough");
    expect(json(of(Kind.End)[0])).toMatchObject({ outcome: "aborted", chunks: 1 });
  });
});

describe("what is recorded", () => {
  test("a request as it was sent, once it is on its way, and before anything that comes after it", async () => {
    const recording = new Recording();
    globalThis.fetch = Object.assign(() => new Promise<Response>(() => {}), { preconnect: plain.preconnect });
    tapped(calls, recording);
    const kinds = () => here.frames().map(({ kind }) => kind).filter((kind) => kind !== Kind.Diagnostic && kind !== Kind.Hello);
    const headers: Record<string, string> = { "content-type": "application/json" };
    const memory = Buffer.from('{"n":2}');

    const before = Date.now() * 1000;
    void fetch("http://h/v1/messages", { method: "POST", headers, body: '{"n":1}' });
    const after = (Date.now() + 1) * 1000;
    headers["content-type"] = "changed";
    expect(kinds()).toEqual([]);
    await until("it to be written", () => kinds().length > 0);
    expect(kinds()).toEqual([Kind.Request, Kind.RequestBody]);
    expect(of(Kind.Request)[0]?.wall).toBeWithin(before, after);
    expect(json(of(Kind.Request)[0]).headers).toEqual([["content-type", "application/json"]]);

    void fetch("http://h/v1/messages", { method: "POST", body: '{"n":3}' });
    // Its memory may be used again at once.
    void fetch("http://h/v1/messages", { method: "POST", body: memory });
    memory.fill("-");
    void fetch("http://h/v1/messages", { method: "POST", body: '{"n":4}' });
    recording.document(Kind.Event, { after: "all" });
    expect(kinds()).toEqual([...Array.from({ length: 4 }, () => [Kind.Request, Kind.RequestBody]).flat(), Kind.Event]);
    const bodies = of(Kind.RequestBody).map(({ payload }) => payload.toString());
    expect(bodies).toEqual(['{"n":1}', '{"n":3}', '{"n":2}', '{"n":4}']);
    expect(of(Kind.Request).map(({ exchange }) => exchange)).toEqual([1, 2, 3, 4]);
  });

  test("request, body, response, body, end: with the call that the token names", async () => {
    const token = calls.add({ session: "ses_1", directory: "/d", message: "msg_1", agent: "title", provider: "p", model: "m", npm: "n", price: { input: 3 } });
    await (await post("/v1/messages?beta=true", { headers: { [CALL_HEADER]: token, "x-api-key": "key-of-test-0001" } })).text();
    expect(seen[0]?.headers.has(CALL_HEADER)).toBe(false);
    expect(seen[0]?.headers.get("x-api-key")).toBe("key-of-test-0001");
    const recorded = here.frames().map(({ kind }) => kind).filter((kind) => kind !== Kind.Diagnostic);
    expect(recorded.slice(1)).toEqual([
      Kind.Secrets,
      Kind.Request,
      Kind.RequestBody,
      Kind.Response,
      Kind.ResponseBody,
      Kind.End,
    ]);
    expect(json(of(Kind.Request)[0])).toEqual({
      method: "POST",
      url: at("/v1/messages?beta=true"),
      headers: [["x-api-key", "[REDACTED]"]],
      session: "ses_1",
      directory: "/d",
      parent: "",
      message: "msg_1",
      agent: "title",
      provider: "p",
      model: "m",
      npm: "n",
      price: { input: 3 },
      body_bytes: 2,
      body: "text",
    });
    const { status, headers } = json(of(Kind.Response)[0]);
    expect([status, headers.filter(([name]: [string]) => name === "set-cookie" || name === "x-request-id")]).toEqual([
      200,
      [["x-request-id", "req_1"], ["set-cookie", "[REDACTED]"], ["set-cookie", "[REDACTED]"]],
    ]);
  });

  test("the head of an answer that nobody reads", async () => {
    await post("/v1/endless/messages");
    await until("it to be written", () => of(Kind.Response).length > 0);
    expect(json(of(Kind.Response)[0])).toMatchObject({ status: 200 });
    expect(of(Kind.ResponseBody)).toEqual([]);
  });

  test("the session by OpenCode's headers, else one for the process", async () => {
    await (await post("/v1/x", { headers: { "x-session-affinity": "ses_2", "x-parent-session-id": "ses_1" } })).text();
    await (await post("/v1/messages")).text();
    expect(json(of(Kind.Request)[0])).toMatchObject({ session: "ses_2", parent: "ses_1" });
    expect(json(of(Kind.Request)[1]).session).toMatch(new RegExp(`^run_${process.pid}_[0-9a-f]+$`));
  });

  test("no credential, not even one that the server or the prompt repeats", async () => {
    const url = at("/v1/echo/messages?key=url-credential-0002").replace("127", "me:user-credential@127");
    const answer = await fetch(url, {
      method: "POST",
      headers: { "x-api-key": "key-credential-0001", authorization: "Bearer bearer-credential" },
      body: JSON.stringify({ text: "my key is key-credential-0001, url-credential-0002 and bearer-credential" }),
    });
    expect(await answer.text()).toBe("you sent key-credential-0001");
    const all = Buffer.concat(here.frames().map(({ payload }) => payload)).toString();
    expect(all).not.toContain("credential");
    expect(of(Kind.ResponseBody)[0]?.payload.toString()).toBe("you sent [REDACTED]");
  });

  test("a Request object with its body", async () => {
    await (await fetch(new Request(at("/v1/messages"), { method: "POST", body: '{"a":1}' }))).text();
    expect(seen[0]?.body).toBe('{"a":1}');
    expect(of(Kind.RequestBody)[0]?.payload.toString()).toBe('{"a":1}');
  });

  test("no body at all, answered", async () => {
    expect((await post("/v1/empty/messages")).status).toBe(204);
    expect(ends()).toEqual(["complete"]);
  });

  test("a refused connection", async () => {
    await fetch("http://127.0.0.1:1/v1/messages", { method: "POST" }).catch(() => {});
    expect(json(of(Kind.End)[0])).toMatchObject({ outcome: "failed", error: { code: "ConnectionRefused" } });
  });

  test("a stream that is cut", async () => {
    const response = await fetch(`http://127.0.0.1:${cutting.port}/v1/messages`, { method: "POST" });
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe("data: begun\n\n");
    const error = await reader.read().catch((e: Error) => e);
    expect(error).toBeInstanceOf(Error);
    expect(json(of(Kind.End)[0])).toMatchObject({ outcome: "cut", bytes: 13, chunks: 1, error: { code: "ECONNRESET" } });
  });

  test("an abort before the answer, and in the middle of it, reaches the server", async () => {
    for (const path of ["/v1/messages", "/v1/endless/messages"]) {
      const controller = new AbortController();
      const promise = post(path, { signal: controller.signal });
      if (path.includes("endless")) await (await promise).body!.getReader().read();
      controller.abort();
      await promise.catch(() => {});
    }
    expect(ends()).toEqual(["aborted", "aborted"]);
    await until("the server to hear of it", () => seen.at(-1)?.aborted === true);
  });

  test("an abort after the end is none", async () => {
    const controller = new AbortController();
    await (await post("/v1/messages", { signal: controller.signal })).text();
    controller.abort();
    await Bun.sleep(1);
    expect(ends()).toEqual(["complete"]);
  });
});

test("tokens stay away from what would sign or leak them", () => {
  expect(mayCarryToken("@ai-sdk/anthropic", "anthropic", {})).toBe(true);
  expect(mayCarryToken("@ai-sdk/amazon-bedrock", "amazon-bedrock", {})).toBe(false);
  expect(mayCarryToken("@ai-sdk/openai", "openai", {})).toBe(true);
  expect(mayCarryToken("@ai-sdk/openai", "openai", { OPENCODE_EXPERIMENTAL_WEBSOCKETS: "1" })).toBe(false);
  expect(mayCarryToken("@ai-sdk/openai", "openai", { OPENCODE_EXPERIMENTAL_WEBSOCKETS: "0" })).toBe(true);
});
