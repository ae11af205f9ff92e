/**
 * What the plugin costs OpenCode's main thread at its start: reading the modules and initialising one
 * instance, each time in a fresh process, as OpenCode does it. The thread's processor time, which a
 * busy machine does not stretch.
 */

import { expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "./world.ts";

const ROUNDS = 15;
const LIMIT_MS = 5;

const [library, threadClock] = process.platform === "darwin" ? ["libSystem.dylib", 16] : ["libc.so.6", 3];

const once = `
  // OpenCode has these long before it loads a plugin.
  await Promise.all(["node:fs", "node:os", "node:path"].map((name) => import(name)));

  const { dlopen, ptr } = await import("bun:ffi");
  const { symbols } = dlopen("${library}", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
  const time = new BigInt64Array(2);
  const clock = () => {
    symbols.clock_gettime(${threadClock}, ptr(time));
    return { cpu: Number(time[0]) * 1e3 + Number(time[1]) / 1e6, wall: performance.now() };
  };
  clock();

  const begin = clock();
  const { default: plugin } = await import(${JSON.stringify(join(import.meta.dir, "../index.ts"))});
  const hooks = await plugin.server({ directory: "/d", worktree: "/d", project: { id: "p" } });
  const end = clock();
  console.log(JSON.stringify({ cpu: end.cpu - begin.cpu, wall: end.wall - begin.wall, hooks: Object.keys(hooks) }));
  process.exit(0);
`;

test("the start takes less than 5 ms of the main thread", () => {
  const env = { ...process.env, BUN_BE_BUN: "1", XDG_RUNTIME_DIR: temporaryFolder() };
  const rounds = Array.from({ length: ROUNDS }, () => {
    const { stdout } = Bun.spawnSync([process.execPath, "-e", once], { env, stderr: "inherit" });
    return JSON.parse(stdout.toString()) as { cpu: number; wall: number; hooks: string[] };
  });
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? Infinity;
  const [cpu, wall] = [median(rounds.map(({ cpu }) => cpu)), median(rounds.map(({ wall }) => wall))];
  console.info(`main thread ${cpu.toFixed(2)} ms; with what it waited for ${wall.toFixed(2)} ms (medians of ${ROUNDS})`);
  expect(rounds.every(({ hooks }) => hooks.includes("event"))).toBe(true);
  expect(cpu).toBeLessThan(LIMIT_MS);
}, 60_000);
