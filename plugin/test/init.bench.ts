/**
 * What the plugin costs OpenCode's main thread at its start: reading the modules and initialising one
 * instance, each time in a fresh process, as OpenCode does it. Run by OpenCode's own Bun:
 * `BUN_BE_BUN=1 opencode test/init.bench.ts`. Fails when the two together take 5 ms or more.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROUNDS = 15;
const LIMIT_MS = 5;

const once = `
  // OpenCode has these long before it loads a plugin.
  await Promise.all(["node:fs", "node:os", "node:path"].map((name) => import(name)));
  const begin = performance.now();
  const { default: plugin } = await import(${JSON.stringify(join(import.meta.dir, "../index.ts"))});
  const loaded = performance.now();
  await plugin.server({ directory: "/d", worktree: "/d", project: { id: "p" } });
  console.log(JSON.stringify([loaded - begin, performance.now() - loaded]));
  process.exit(0);
`;

const folder = mkdtempSync(join(tmpdir(), "octrace-bench-"));
const rounds = Array.from({ length: ROUNDS }, () => {
  const env = { ...process.env, BUN_BE_BUN: "1", XDG_RUNTIME_DIR: folder };
  const { stdout } = Bun.spawnSync([process.execPath, "-e", once], { env, stderr: "inherit" });
  return JSON.parse(stdout.toString()) as [number, number];
});
rmSync(folder, { recursive: true, force: true });

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
const load = median(rounds.map(([first]) => first));
const init = median(rounds.map(([, second]) => second));
console.log(`reading the modules ${load.toFixed(2)} ms, initialisation ${init.toFixed(2)} ms (medians of ${ROUNDS})`);
if (load + init >= LIMIT_MS) process.exit(1);
