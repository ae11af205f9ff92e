/**
 * One process that is measured: an agent that asks a model and reads the answer, with the plugin or without. It does
 * what it is told, a block of requests for each line of JSON on its standard input, and answers each with a line:
 * {@link Cost}; at the end of its input with {@link Whole}.
 *
 *     agent.ts plugin|wrapped|none full|bare <server's URL>
 *
 * `full`: it keeps as much alive as OpenCode does; `bare`: nothing.
 * `wrapped`: no plugin, but answers come through a stream that does nothing but pull, as the plugin's do.
 */

import { readFileSync } from "node:fs";
import { watch, type Watcher } from "../response.ts";
import { threadTime } from "../test/thread_clock.ts";
import { likeOpenCode } from "./heap.ts";
import { announce, begin, KEY } from "./instance.ts";

/** Requests of one kind, one after the other. */
export interface Block {
  requests: number;
  /** Of each request's body, in bytes. */
  bytes: number;
  /** In which the answer comes, and how many chunks each has. */
  writes: number;
  chunks: number;
}

export interface Cost {
  /** CPU of the whole process since the block before, for each request, in ms. */
  cpu: number;
  /** Of that, OpenCode's own thread. */
  thread: number;
  /** From OpenCode's begin of each call to the first byte of the answer, in ms. */
  firstBytes: number[];
  /** In which an answer was read, on average: what comes at the same time is read at once. */
  reads: number;
  /** Of the bodies, in bytes. */
  sent: number;
  received: number;
}

export interface Whole {
  /** CPU of the whole process until it was at rest with the plugin loaded, in ms. */
  start: number;
  /** Peak of the memory that the process had, in MB. */
  memory: number;
  /** Without the pages of OpenCode's program that were read for it: OpenCode itself has read those long before. */
  ownMemory: number;
}

/** In milliseconds. */
const STARTS_IN = 500;
/** What is done behind an answer belongs to it; what takes longer is in the next block's figure. */
const SETTLES_IN = 20;

/** 50 bytes; one character shows that not all text is ASCII, of which a string takes half as much memory. */
const LINE = '  const answer = ask(model, "why – or why not?");\n';

function body(bytes: number, number: number): string {
  const message = (content: string) => ({ role: "user", content });
  const messages = Array.from({ length: Math.floor(bytes / 2048) }, (_, i) => message(`${number} ${i}\n${LINE.repeat(38)}`));
  return JSON.stringify({ model: "m", stream: true, messages });
}

/** In milliseconds. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const [variant, heap, server] = process.argv.slice(2);
if (heap === "full") Object.assign(globalThis, { kept: likeOpenCode() });
Bun.gc(true);
const hooks = variant === "plugin" ? await begin() : undefined;
if (variant === "wrapped") {
  const nobody: Watcher = { chunk() {}, complete() {}, failed() {}, cancelled() {} };
  const plain = globalThis.fetch;
  const wrapped = (...args: Parameters<typeof fetch>) => plain(...args).then((response) => watch(response, nobody));
  globalThis.fetch = Object.assign(wrapped, { preconnect: plain.preconnect });
}

async function ask({ bytes, writes, chunks }: Block, number: number, cost: Cost): Promise<void> {
  const text = body(bytes, number);
  cost.sent += Buffer.byteLength(text);
  const begin = performance.now();
  const headers = { "content-type": "application/json", authorization: `Bearer ${KEY}` };
  if (hooks) await announce(hooks, headers);
  const url = `${server}/${writes}/${chunks}/v1/chat/completions`;
  const response = await fetch(url, { method: "POST", headers, body: text, signal: new AbortController().signal });
  const reader = response.body!.getReader();
  for (let first = true; ; first = false) {
    const { done, value } = await reader.read();
    if (done) return;
    if (first) cost.firstBytes.push(performance.now() - begin);
    cost.reads += 1;
    cost.received += value.length;
  }
}

let [spent, threadSpent] = [0, 0];
async function measure(block: Block): Promise<Cost> {
  const cost: Cost = { cpu: NaN, thread: NaN, firstBytes: [], reads: 0, sent: 0, received: 0 };
  for (let i = 0; i < block.requests; i++) await ask(block, i, cost);
  await Bun.sleep(SETTLES_IN);
  const [now, threadNow] = [cpu(), threadTime()];
  cost.cpu = (now - spent) / block.requests;
  cost.thread = (threadNow - threadSpent) / 1000 / block.requests;
  cost.reads /= block.requests;
  [spent, threadSpent] = [now, threadNow];
  return cost;
}

await Bun.sleep(STARTS_IN);
const start = (spent = cpu());
threadSpent = threadTime();
console.log("ready");
for await (const line of console) {
  // The last one is empty.
  if (line) console.log(JSON.stringify(await measure(JSON.parse(line) as Block)));
}

// `maxRSS` would be that of the program that started this one, if it was larger.
const status = readFileSync("/proc/self/status", "utf8");
const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)?.[1]) / 1024;
const memory = megabytes("VmHWM");
console.log(JSON.stringify({ start, memory, ownMemory: memory - megabytes("RssFile") } satisfies Whole));
process.exit(0);
