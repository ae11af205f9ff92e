/**
 * What the plugin costs OpenCode, measured in OpenCode's own Bun:
 *
 *     BUN_BE_BUN=1 opencode run bench/cost.ts [--quick] [--figures=FILE]
 *
 * A repeat is one fresh process with the plugin, two without, and one in which answers pass a stream that does nothing:
 * what it takes to see an answer at all. They take turns, a few requests each, in any order, so
 * that the machine is as busy for one as for the others, and each pays for its own garbage. What is told is the difference
 * between the first two, and the difference between the two without it says how much of that may be chance. All of that is
 * done twice: by processes that keep as much alive as OpenCode does, and by such that keep nothing. The plugin writes a
 * real spool, in memory where the system has such a place, and starts a recorder, which does nothing; the spool is read
 * here, while nobody is measured.
 */

import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kind } from "../frame.ts";
import type { Block, Cost, Whole } from "./agent.ts";
import { Child } from "./child.ts";
import { mean, median, noise, tell } from "./figures.ts";
import type { HookCosts } from "./hooks.ts";
import { Reader } from "./reader.ts";

const isQuick = process.argv.includes("--quick");
const REPEATS = isQuick ? 2 : 7;
const STARTS = isQuick ? 1 : 5;
const BATCHES = isQuick ? 20 : 400;

interface Plan {
  rounds: number;
  /** Of these, the first that are done but not measured. */
  unmeasured?: number;
  block: Block;
}

/** 2,000 chunks come in as many writes as 500: five at a time. */
const SMALL: Plan = { rounds: isQuick ? 2 : 15, block: { requests: 6, bytes: 100 << 10, writes: 500, chunks: 1 } };
const LARGE: Plan = { rounds: isQuick ? 2 : 15, block: { requests: 2, bytes: 1 << 20, writes: 400, chunks: 5 } };
/** When all has been compiled that will be. */
const LATER: Plan = { ...SMALL, rounds: isQuick ? 2 : 30, unmeasured: isQuick ? 1 : 20 };
const BARE_SMALL: Plan = { ...SMALL, rounds: isQuick ? 2 : 10 };
const BARE_LARGE: Plan = { ...LARGE, rounds: isQuick ? 2 : 10 };
/** One by one; no target is about this. */
const BARE_SINGLY: Plan = { rounds: isQuick ? 1 : 2, block: { requests: 2, bytes: 1 << 20, writes: 2000, chunks: 1 } };

/** What processes keep alive, and what they do. */
const HEAPS = { full: [SMALL, LARGE, LATER], bare: [BARE_SMALL, BARE_LARGE, BARE_SINGLY] };
type Heap = keyof typeof HEAPS;

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

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items.map((item) => ({ item, at: Math.random() })).sort((a, b) => a.at - b.at).map(({ item }) => item);
}

const VARIANTS = ["plugin", "none", "again", "wrapped"] as const;
type Variant = (typeof VARIANTS)[number];

interface Agent {
  child: Child;
  costs: Map<Plan, Cost[]>;
}

async function agent(variant: Variant, heap: Heap, url: string): Promise<Agent> {
  const child = new Child(env, "agent.ts", variant === "again" ? "none" : variant, heap, url);
  if ((await child.line()) !== "ready") throw new Error(`${variant} did not start`);
  return { child, costs: new Map(HEAPS[heap].map((plan) => [plan, []])) };
}

/** A block of requests; what was recorded of it has to be what there was. */
async function ask({ child, costs }: Agent, variant: Variant, plan: Plan, reader: Reader): Promise<void> {
  const cost = await child.asked<Cost>(plan.block);
  costs.get(plan)?.push(cost);
  const recorded = reader.read();
  const isWhole = recorded.get(Kind.RequestBody) === cost.sent && recorded.get(Kind.ResponseBody) === cost.received;
  if (variant === "plugin" ? !isWhole : recorded.size > 0) throw new Error(`${variant}: what was recorded is not what there was`);
}

interface Measured {
  costs: Record<Variant, Map<Plan, Cost[]>>;
  wholes: Record<Variant, Whole>;
}

interface Repeat extends Record<Heap, Measured> {
  hooks: HookCosts;
  init: number;
}

const of = async <Value>(value: (variant: Variant) => Promise<Value>): Promise<Record<Variant, Value>> => ({
  plugin: await value("plugin"),
  none: await value("none"),
  again: await value("again"),
  wrapped: await value("wrapped"),
});

async function measured(heap: Heap, url: string, reader: Reader): Promise<Measured> {
  const agents = await of((variant) => agent(variant, heap, url));
  reader.read();
  for (const plan of HEAPS[heap]) {
    for (let round = 0; round < plan.rounds; round++) {
      for (const variant of shuffled(VARIANTS)) await ask(agents[variant], variant, plan, reader);
    }
  }
  const wholes = await of((variant) => agents[variant].child.ends<Whole>());
  const costs = await of(async (variant) => agents[variant].costs);
  return { costs, wholes };
}

async function repeat(url: string, reader: Reader): Promise<Repeat> {
  const full = await measured("full", url, reader);
  const bare = await measured("bare", url, reader);
  const hooks = await new Child(env, "hooks.ts", String(BATCHES)).says<HookCosts>();
  const starts = [];
  for (let i = 0; i < STARTS; i++) starts.push(await new Child(env, "start.ts").says<number>());
  reader.clear();
  return { full, bare, hooks, init: median(starts) };
}

const server = new Child(env, "server.ts");
const reader = new Reader(join(folder, "octrace"));
try {
  const url = `http://127.0.0.1:${await server.line()}`;
  const repeats: Repeat[] = [];
  while (repeats.length < REPEATS) {
    repeats.push(await repeat(url, reader));
    console.log(`repeat ${repeats.length} of ${REPEATS} is done`);
  }

  type Of = (repeat: Repeat, variant: Variant) => number;
  /** What the plugin adds to this, by repeat; and what nothing adds. */
  const added = (of: Of) => repeats.map((repeat) => of(repeat, "plugin") - of(repeat, "none"));
  /** What a stream that does nothing adds. */
  const wrapping = (of: Of) => repeats.map((repeat) => of(repeat, "wrapped") - of(repeat, "none"));
  const chance = (of: Of) => repeats.map((repeat) => of(repeat, "again") - of(repeat, "none"));
  const difference = (id: string, of: Of, note: string) => {
    const wrapped = median(wrapping(of)).toFixed(2);
    tell(id, added(of), `${note}; ${noise(chance(of))} between two without it, ${wrapped} by a stream that does nothing`);
  };
  const costs = (plan: Plan, { full, bare }: Repeat, variant: Variant) => {
    const all = full.costs[variant].get(plan) ?? bare.costs[variant].get(plan) ?? [];
    return all.slice(plan.unmeasured ?? 0);
  };
  const cpu = (plan: Plan): Of => (repeat, variant) => mean(costs(plan, repeat, variant).map(({ cpu }) => cpu));
  const thread = (plan: Plan): Of => (repeat, variant) => mean(costs(plan, repeat, variant).map(({ thread }) => thread));
  const firstByte = (plan: Plan): Of => (repeat, variant) => median(costs(plan, repeat, variant).flatMap(({ firstBytes }) => firstBytes));
  const about = (plan: Plan) => {
    const reads = median(repeats.map((repeat) => mean(costs(plan, repeat, "none").map(({ reads }) => reads))));
    const without = median(repeats.map((repeat) => cpu(plan)(repeat, "none"))).toFixed(1);
    const own = median(added(thread(plan))).toFixed(2);
    const requests = (plan.rounds - (plan.unmeasured ?? 0)) * plan.block.requests;
    return `${own} of it on OpenCode's own thread; ${requests} requests, answers read in ${reads.toFixed(0)} pieces, ${without} ms without the plugin`;
  };

  const bare = (of: Of) => `${median(added(of)).toFixed(2)} (${noise(added(of))}) in a process that keeps nothing alive`;
  difference("plugin.request_100k.cpu", cpu(SMALL), `${about(SMALL)}; ${bare(cpu(BARE_SMALL))}`);
  difference("plugin.request_100k.first_byte", firstByte(SMALL), `median of the requests; ${bare(firstByte(BARE_SMALL))}`);
  difference("plugin.request_1m.first_byte", firstByte(LARGE), `median of the requests; ${bare(firstByte(BARE_LARGE))}`);
  difference("plugin.request_1m.cpu", cpu(LARGE), `${about(LARGE)}; ${bare(cpu(BARE_LARGE))}`);
  const whole = median(added(({ bare }, variant) => bare.wholes[variant].memory)).toFixed(1);
  difference("plugin.memory", ({ bare }, variant) => bare.wholes[variant].ownMemory, `${whole} MB with the pages of OpenCode's own program that were read for it`);
  tell("plugin.event.cpu", repeats.map(({ hooks }) => hooks.event), `of the thread; median of ${BATCHES} batches`);
  tell("plugin.tool.cpu", repeats.map(({ hooks }) => hooks.tool), `of the thread; median of ${BATCHES} batches`);
  tell("plugin.init", repeats.map(({ init }) => init), `wall clock, reading the modules included; median of ${STARTS} processes`);

  console.log("\nBeside that, without a target:");
  const aside = (what: string, of: Of, note: string) => {
    console.log(`${what}: ${median(added(of)).toFixed(2)} ms (${noise(added(of))}; ${noise(chance(of))} between two without the plugin), ${note}`);
  };
  const before = [SMALL, LARGE].reduce((sum, { rounds, block }) => sum + rounds * block.requests, (LATER.unmeasured ?? 0) * LATER.block.requests);
  aside(`CPU added by 100 KB and 500 chunks after ${before} requests`, cpu(LATER), about(LATER));
  aside("CPU added by 1 MB and 2,000 chunks in 2,000 writes, nothing kept alive", cpu(BARE_SINGLY), about(BARE_SINGLY));
  aside("CPU added by the start, with spool and recorder", ({ bare }, variant) => bare.wholes[variant].start, "whole process");
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
