/**
 * What the plugin costs OpenCode, measured in OpenCode's own Bun:
 *
 *     BUN_BE_BUN=1 opencode run bench/cost.ts [--quick] [--figures=FILE]
 *
 * A repeat is one fresh process with the plugin and two without, in any order: what is told is the difference of the first
 * two, and the difference of the last two says how much of it may be chance. The plugin writes a real spool, in memory
 * where the system has such a place, and starts a recorder, which does nothing; the spool is read here.
 */

import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kind } from "../frame.ts";
import type { Block, Measured } from "./agent.ts";
import { median, noise, tell } from "./figures.ts";
import type { HookCosts } from "./hooks.ts";
import { Reader } from "./reader.ts";

const isQuick = process.argv.includes("--quick");
const REPEATS = isQuick ? 2 : 7;
const STARTS = isQuick ? 1 : 5;
const BATCHES = isQuick ? 20 : 400;

/** 2,000 chunks come in as many writes as 500: five at a time. */
const SMALL: Block = { requests: isQuick ? 5 : 60, bytes: 100 << 10, writes: 500, chunks: 1 };
const LARGE: Block = { requests: isQuick ? 2 : 12, bytes: 1 << 20, writes: 400, chunks: 5 };
/** The same one by one; no target is about this. */
const SINGLY: Block = { requests: isQuick ? 1 : 6, bytes: 1 << 20, writes: 2000, chunks: 1 };
const BLOCKS = [SMALL, LARGE, SINGLY];

const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "octrace-bench-"));
const recorder = join(folder, "recorder");
writeFileSync(recorder, "#!/bin/sh\nexec cat\n");
chmodSync(recorder, 0o700);
const env = {
  PATH: process.env["PATH"],
  BUN_BE_BUN: "1",
  HOME: folder,
  XDG_RUNTIME_DIR: folder,
  OCTRACE_BIN: recorder,
};

function start(script: string, ...args: string[]) {
  const command = [process.execPath, "run", join(import.meta.dir, script), ...args];
  return Bun.spawn(command, { env, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
}

/** What a fresh process says. */
async function measured<Said>(script: string, ...args: string[]): Promise<Said> {
  const child = start(script, ...args);
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`${script} ${args[0] ?? ""} failed`);
  return JSON.parse(text) as Said;
}

async function portOf({ stdout }: ReturnType<typeof start>): Promise<string> {
  for await (const bytes of stdout) return Buffer.from(bytes).toString().trim();
  throw new Error("the model server did not start");
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items.map((item) => ({ item, at: Math.random() })).sort((a, b) => a.at - b.at).map(({ item }) => item);
}

const VARIANTS = ["plugin", "none", "again"] as const;

interface Repeat {
  agents: Record<(typeof VARIANTS)[number], Measured>;
  hooks: HookCosts;
  init: number;
}

async function repeat(url: string, reader: Reader): Promise<Repeat> {
  const agents: Partial<Repeat["agents"]> = {};
  for (const variant of shuffled(VARIANTS)) {
    const isPlugged = variant === "plugin";
    const agent = await measured<Measured>("agent.ts", isPlugged ? "plugin" : "none", url, JSON.stringify(BLOCKS));
    agents[variant] = agent;
    const recorded = reader.finish();
    const isWhole = recorded.get(Kind.RequestBody) === agent.sent && recorded.get(Kind.ResponseBody) === agent.received;
    if (isPlugged ? !isWhole : recorded.size > 0) throw new Error(`${variant}: what was recorded is not what there was`);
  }
  const hooks = await measured<HookCosts>("hooks.ts", String(BATCHES));
  const starts = [];
  for (let i = 0; i < STARTS; i++) starts.push(await measured<number>("start.ts"));
  reader.finish();
  return { agents: agents as Repeat["agents"], hooks, init: median(starts) };
}

const server = start("server.ts");
const reader = new Reader(join(folder, "octrace"));
try {
  const url = `http://127.0.0.1:${await portOf(server)}`;
  const repeats: Repeat[] = [];
  while (repeats.length < REPEATS) {
    repeats.push(await repeat(url, reader));
    console.log(`repeat ${repeats.length} of ${REPEATS} is done`);
  }

  /** What the plugin adds to this, by repeat; and what nothing adds. */
  const added = (of: (agent: Measured) => number) => repeats.map(({ agents }) => of(agents.plugin) - of(agents.none));
  const chance = (of: (agent: Measured) => number) => repeats.map(({ agents }) => of(agents.again) - of(agents.none));
  const difference = (id: string, of: (agent: Measured) => number, note: string) => {
    tell(id, added(of), `${note}; ${noise(chance(of))} between two without it`);
  };
  const cpu = (block: Block) => (agent: Measured) => agent.blocks[BLOCKS.indexOf(block)]?.cpu ?? NaN;
  const firstByte = (block: Block) => (agent: Measured) => agent.blocks[BLOCKS.indexOf(block)]?.firstByte ?? NaN;
  const about = (block: Block) => {
    const without = repeats.map(({ agents }) => agents.none);
    const reads = median(without.map((agent) => agent.blocks[BLOCKS.indexOf(block)]?.reads ?? NaN));
    return `${block.requests} requests, answers read in ${reads.toFixed(0)} pieces, ${median(without.map(cpu(block))).toFixed(1)} ms without the plugin`;
  };

  difference("plugin.request_100k.cpu", cpu(SMALL), about(SMALL));
  difference("plugin.request_100k.first_byte", firstByte(SMALL), "median of the requests");
  difference("plugin.request_1m.first_byte", firstByte(LARGE), "median of the requests");
  difference("plugin.request_1m.cpu", cpu(LARGE), about(LARGE));
  const whole = median(added(({ memory }) => memory)).toFixed(1);
  difference("plugin.memory", ({ ownMemory }) => ownMemory, `${whole} MB with the pages of OpenCode's own program that were read for it`);
  tell("plugin.event.cpu", repeats.map(({ hooks }) => hooks.event), `of the thread; median of ${BATCHES} batches`);
  tell("plugin.tool.cpu", repeats.map(({ hooks }) => hooks.tool), `of the thread; median of ${BATCHES} batches`);
  tell("plugin.init", repeats.map(({ init }) => init), `wall clock, reading the modules included; median of ${STARTS} processes`);

  console.log("\nBeside that, without a target:");
  const aside = (what: string, of: (agent: Measured) => number, note: string) => {
    console.log(`${what}: ${median(added(of)).toFixed(2)} ms (${noise(added(of))}; ${noise(chance(of))} between two without the plugin), ${note}`);
  };
  aside("CPU added by 1 MB and 2,000 chunks in 2,000 writes", cpu(SINGLY), about(SINGLY));
  aside("CPU added by the start, with spool and recorder", ({ start }) => start, "whole process");
} finally {
  reader.stop();
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
