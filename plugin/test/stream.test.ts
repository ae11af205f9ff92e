/**
 * Streams over a real connection, with the tap and without: the same bytes, in the same chunks, at the
 * same time; a stalled agent stalls the server and fills no memory; an abort reaches the server.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Kind } from "../frame.ts";
import { json } from "./read_spool.ts";
import { streamServer, type StreamServer } from "./stream.ts";
import { tapped } from "./tapped.ts";
import { world } from "./world.ts";

const here = world();
const plain = globalThis.fetch;
const ENDPOINTS = [
  "v1/chat/completions",
  "v1/responses",
  "v1/messages",
  "v1beta/models/m:streamGenerateContent?alt=sse",
];

let server: StreamServer;
beforeAll(async () => void (server = await streamServer()));
afterAll(() => server.stop());
beforeEach(() => tapped());

const of = (kind: Kind) => here.frames().filter((frame) => frame.kind === kind);
const post = (fetcher: typeof fetch, path: string, init: RequestInit = {}) =>
  fetcher(`${server.url}/${path}`, { method: "POST", body: "{}", ...init });

/** Server-sent events cut at odd places, also inside characters. */
function oddChunks(count: number): Buffer[] {
  const text = Buffer.from('data: {"delta":"naïve 😀 – “x”"}\n\n'.repeat(40));
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    const size = 1 + ((i * i * 7) % 97);
    const start = at % (text.length - 97);
    at += size;
    return Buffer.from(text.subarray(start, start + size));
  });
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Infinity;

describe("a stream", () => {
  // Each chunk is sent when the one before has arrived: one that is held back, even until the next, or
  // joined with another, would let this wait for ever.
  test("arrives in the chunks in which it was sent, each before the next, and without delay", async () => {
    const chunks = oddChunks(200);
    const sides = await Promise.all(
      ([["plain", plain], ["tapped", globalThis.fetch]] as const).map(async ([name, fetcher]) => {
        const response = await post(fetcher, `step/${name}/v1/messages`);
        return { name, reader: response.body!.getReader(), got: [] as Buffer[], took: [] as number[] };
      }),
    );
    for (const chunk of chunks) {
      for (const { name, reader, got, took } of sides) {
        const sent = performance.now();
        server.next(name, chunk);
        const { value } = await reader.read();
        took.push(performance.now() - sent);
        got.push(Buffer.from(value!));
      }
    }
    for (const { name, reader } of sides) {
      server.end(name);
      expect((await reader.read()).done).toBe(true);
    }
    const [without, tapped] = sides;
    expect(without?.got).toEqual(chunks);
    expect(tapped?.got).toEqual(chunks);
    expect(of(Kind.ResponseBody).map(({ payload }) => payload)).toEqual(chunks);
    // Chunk by chunk in turns, so that a busy machine is as busy for both.
    const added = median(tapped?.took ?? []) - median(without?.took ?? []);
    console.log(`a chunk takes ${(added * 1000).toFixed(0)} µs longer (difference of medians of ${chunks.length})`);
    expect(added).toBeLessThan(1);
  });

  test.each(ENDPOINTS)("to %s that is aborted is aborted at the server, with the same error", async (path) => {
    const errors = [];
    for (const [name, fetcher] of [["plain", plain], ["tapped", globalThis.fetch]] as const) {
      const stream = `${name}-${path.replace(/\W/g, "-")}`;
      const controller = new AbortController();
      const response = await post(fetcher, `step/${stream}/${path}`, { signal: controller.signal });
      const reader = response.body!.getReader();
      server.next(stream, Buffer.from("data: begun\n\n"));
      await reader.read();
      const waiting = reader.read().catch((error: unknown) => error);
      controller.abort(new Error("the user pressed Escape"));
      errors.push(await waiting);
      await server.said(`closed ${stream}`);
    }
    expect(errors[1]).toBeInstanceOf(Error);
    expect(errors[1]).toEqual(errors[0]);
    expect(of(Kind.End).map(json)).toMatchObject([{ outcome: "aborted", bytes: 13, chunks: 1 }]);
  });
});

describe("an agent that stops reading", () => {
  const agent = (...args: string[]) =>
    Bun.spawn([process.execPath, join(import.meta.dir, "stalled_agent.ts"), ...args], {
      env: { ...process.env, BUN_BE_BUN: "1" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
  const result = async (child: ReturnType<typeof agent>) =>
    JSON.parse(await new Response(child.stdout).text()) as { read: number; grown: number };
  const bytesIn = (folder: string): number =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

  test("takes no more memory than without the tap, of an answer of 200 MB", async () => {
    const [without, tapped] = [await result(agent("plain")), await result(agent("tapped"))];
    expect(tapped.read).toBe(without.read);
    expect(tapped.grown - without.grown).toBeLessThan(20 << 20);
  });

  test("has nothing recorded that it has not read, and its end reaches the server", async () => {
    const child = agent("tapped", `${server.url}/flood/stalled/v1/messages`);
    // The server is rid of what Bun reads ahead, which is a lot.
    const taken = Number(await server.said("taken stalled"));
    child.stdin.end();
    const { read } = await result(child);
    await server.said("closed stalled");
    expect(taken).toBeGreaterThan(20 * read);
    const recorded = bytesIn(join(here.runtime(), "octrace"));
    expect(recorded).toBeGreaterThanOrEqual(read);
    // The frames' heads, and what comes before an answer.
    expect(recorded).toBeLessThan(read + (64 << 10));
  });
});
