/**
 * An agent that asks for a long answer, reads two chunks and reads no more; run by `stream.test.ts` as
 * `stalled_agent.ts plain|tapped [<url>]`, in a process of its own, so that its memory can be looked at. Says
 * by how much that has grown.
 *
 * With a URL it stalls until its standard input ends. Without one, the answer comes from a source in the
 * process, which makes 200 MB as fast as somebody takes them: Bun's own `fetch` reads ahead without
 * bound, which would hide what the tap does.
 */

import { tapped } from "./tapped.ts";

const CHUNK = 64 << 10;
const CHUNKS = 3200;

const [side, url] = process.argv.slice(2);

function source(): ReadableStream<Uint8Array> {
  let made = 0;
  return new ReadableStream({
    pull(controller) {
      if (made++ === CHUNKS) return controller.close();
      controller.enqueue(new Uint8Array(CHUNK).fill(made));
    },
  });
}

if (!url) globalThis.fetch = Object.assign(async () => new Response(source()), { preconnect: fetch.preconnect });
if (side === "tapped") tapped();

const rss = () => process.memoryUsage.rss();
const before = rss();
const response = await fetch(url ?? "http://h/v1/messages", { method: "POST", body: "{}" });
const reader = response.body!.getReader();
let read = 0;
for (let i = 0; i < 2; i++) read += (await reader.read()).value?.length ?? 0;

if (url) for await (const _ of console);
// Turns enough for whoever reads ahead to read everything.
else for (let turn = 0; turn < 2 * CHUNKS; turn++) await new Promise(setImmediate);

console.log(JSON.stringify({ read, grown: rss() - before }));
process.exit(0);
