/** Every shape that the arguments of `fetch` may have. */

import { describe, expect, test } from "bun:test";
import { bodyText } from "../body.ts";
import { CALL_HEADER } from "../calls.ts";
import { readRequest, type FetchArguments } from "../request.ts";

const URL_TEXT = "https://h/v1/messages";
const token = { [CALL_HEADER]: "tok" };

const HEADERS: [string, () => unknown][] = [
  ["a plain object", () => ({ a: "1", ...token })],
  ["an object with another spelling", () => ({ a: "1", "X-Octrace-Call": "tok" })],
  ["Headers", () => new Headers({ a: "1", ...token })],
  ["pairs", () => [["a", "1"], [CALL_HEADER, "tok"]]],
];

describe("the token is read and removed", () => {
  for (const [name, headers] of HEADERS) {
    test(name, () => {
      const init = { method: "POST", headers: headers() as Headers, body: "{}" };
      const before = JSON.stringify([...new Headers(init.headers)]);
      const request = readRequest([URL_TEXT, init]);
      expect(request.token).toBe("tok");
      expect(request.headers).toEqual([["a", "1"]]);

      const [input, sent] = request.args;
      expect(input).toBe(URL_TEXT);
      expect([...new Headers(sent?.headers)]).toEqual([["a", "1"]]);
      expect(sent?.body).toBe("{}");
      // The agent's own object is what it was: it may be sent again.
      expect(JSON.stringify([...new Headers(init.headers)])).toBe(before);
    });
  }

  test("a Request", () => {
    const input = new Request(URL_TEXT, { method: "POST", headers: { a: "1", ...token }, body: "{}" });
    const request = readRequest([input]);
    expect(request.token).toBe("tok");
    expect(request.args[0]).toBe(input);
    expect(input.headers.has(CALL_HEADER)).toBe(false);
    expect(request.header("a")).toBe("1");
  });

  test("an init of some class", () => {
    class Init {
      method = "POST";
      headers = new Headers({ a: "1", ...token });
    }
    const request = readRequest([URL_TEXT, new Init()]);
    expect(request.token).toBe("tok");
    expect(new Headers(request.args[1]?.headers).has(CALL_HEADER)).toBe(false);
  });

  test("without one, the arguments are the very same", () => {
    const args: FetchArguments = [URL_TEXT, { headers: { a: "1" } }];
    expect(readRequest(args).args).toBe(args);
  });
});

const BYTES = new TextEncoder().encode("xx{}yy").subarray(2, 4);
const BODIES: [string, FetchArguments, { kind: string; size: number; text?: string }][] = [
  ["text", [URL_TEXT, { body: "{ü}" }], { kind: "text", size: 4, text: "{ü}" }],
  ["parameters", [URL_TEXT, { body: new URLSearchParams({ a: "b c" }) }], { kind: "text", size: 5, text: "a=b+c" }],
  ["a part of an array", [new URL(URL_TEXT), { body: BYTES }], { kind: "bytes", size: 2, text: "{}" }],
  ["an ArrayBuffer", [URL_TEXT, { body: new Uint8Array([123, 125]).buffer }], { kind: "bytes", size: 2, text: "{}" }],
  ["a DataView", [URL_TEXT, { body: new DataView(BYTES.buffer, 2, 2) }], { kind: "bytes", size: 2, text: "{}" }],
  ["a Request with text", [new Request(URL_TEXT, { method: "POST", body: "{}" })], { kind: "bytes", size: 2, text: "{}" }],
  ["a Request with bytes", [new Request(URL_TEXT, { method: "POST", body: BYTES })], { kind: "bytes", size: 2, text: "{}" }],
  ["a Request and a body", [new Request(URL_TEXT, { method: "POST", body: "a" }), { body: "b" }], { kind: "text", size: 1, text: "b" }],
  ["a stream", [URL_TEXT, { body: new ReadableStream() }], { kind: "stream", size: 0 }],
  ["a form", [URL_TEXT, { body: new FormData() }], { kind: "stream", size: 0 }],
  ["nothing", [URL_TEXT, {}], { kind: "none", size: 0 }],
  ["null", [URL_TEXT, { body: null }], { kind: "none", size: 0 }],
  ["a Request with nothing", [new Request(URL_TEXT, { method: "POST" })], { kind: "none", size: 0 }],
];

describe("bodies", () => {
  for (const [name, args, { kind, size, text }] of BODIES) {
    test(name, () => {
      const request = readRequest(args);
      expect(request.url).toBe(URL_TEXT);
      const body = request.body();
      expect<string>(body.kind).toBe(kind);
      expect(body.size).toBe(size);
      if (text !== undefined) expect(bodyText(body)).toBe(text);
    });
  }

  test("a Request can still be sent and read", async () => {
    const input = new Request(URL_TEXT, { method: "POST", body: "all of it" });
    readRequest([input]).body();
    expect(await input.text()).toBe("all of it");
  });

  test("a stream in a Request is not read, and arrives whole", async () => {
    const stream = new ReadableStream({
      async pull(controller) {
        await Bun.sleep(1);
        controller.enqueue(new Uint8Array([1, 2, 3]));
        controller.close();
      },
    });
    const input = new Request(URL_TEXT, { method: "POST", body: stream });
    expect(readRequest([input]).body().kind).toBe("stream");
    expect(await input.bytes()).toEqual(new Uint8Array([1, 2, 3]));
  });
});

test("method and signal come from wherever they are", () => {
  const { signal } = new AbortController();
  expect(readRequest([URL_TEXT]).method).toBe("GET");
  expect(readRequest([URL_TEXT, { method: "post", signal }])).toMatchObject({ method: "POST", signal });
  expect(readRequest([new Request(URL_TEXT, { method: "PUT" })]).method).toBe("PUT");
});
