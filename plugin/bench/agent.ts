/**
 * One process that is measured: an agent that asks a model and reads the answer, with the plugin or without. It says
 * what that cost as JSON, see {@link Measured}.
 *
 *     agent.ts plugin|none <server's URL> <blocks as JSON>
 */

import { readFileSync } from "node:fs";
import { median } from "./figures.ts";
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

export interface Measured {
  /** CPU of the whole process until it is at rest with the plugin loaded, in ms. */
  start: number;
  blocks: Cost[];
  /** Peak of the memory that the process had, in MB. */
  memory: number;
  /** Without the pages of OpenCode's program that were read for it: OpenCode itself has read those long before. */
  ownMemory: number;
  /** Of all bodies, in bytes. */
  sent: number;
  received: number;
}

export interface Cost {
  /** CPU of the whole process for each request, in ms. */
  cpu: number;
  /** From OpenCode's begin of the call to the first byte of the answer, median, in ms. */
  firstByte: number;
  /** In which an answer was read, on average: what comes at the same time is read at once. */
  reads: number;
}

/** What is done behind an answer, such as the collection of garbage, belongs to it. In milliseconds. */
const SETTLES_IN = 500;

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

const [variant, server, plan] = process.argv.slice(2);
const blocks = JSON.parse(plan ?? "[]") as Block[];
const hooks = variant === "plugin" ? await begin() : undefined;

async function ask({ bytes, writes, chunks }: Block, number: number): Promise<{ firstByte: number; reads: number }> {
  const text = body(bytes, number);
  measured.sent += Buffer.byteLength(text);
  const begin = performance.now();
  const headers = { "content-type": "application/json", authorization: `Bearer ${KEY}` };
  if (hooks) await announce(hooks, headers);
  const url = `${server}/${writes}/${chunks}/v1/chat/completions`;
  const response = await fetch(url, { method: "POST", headers, body: text, signal: new AbortController().signal });
  const reader = response.body!.getReader();
  let [firstByte, reads] = [NaN, 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { firstByte, reads };
    if (reads++ === 0) firstByte = performance.now() - begin;
    measured.received += value.length;
  }
}

async function measure(block: Block): Promise<Cost> {
  const before = cpu();
  const asked = [];
  for (let i = 0; i < block.requests; i++) asked.push(await ask(block, i));
  await Bun.sleep(SETTLES_IN);
  return {
    cpu: (cpu() - before) / block.requests,
    firstByte: median(asked.map(({ firstByte }) => firstByte)),
    reads: asked.reduce((sum, { reads }) => sum + reads, 0) / block.requests,
  };
}

await Bun.sleep(SETTLES_IN);
const measured: Measured = { start: cpu(), blocks: [], memory: NaN, ownMemory: NaN, sent: 0, received: 0 };
for (const block of blocks) measured.blocks.push(await measure(block));
// `maxRSS` would be that of the program that started this one, if it was larger.
const status = readFileSync("/proc/self/status", "utf8");
const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)?.[1]) / 1024;
measured.memory = megabytes("VmHWM");
measured.ownMemory = measured.memory - megabytes("RssFile");
console.log(JSON.stringify(measured));
process.exit(0);
