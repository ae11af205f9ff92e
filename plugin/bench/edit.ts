/**
 * What one `edit` costs OpenCode's main thread: both hooks of the call, each with a look at the file, which the tool has
 * changed in between. The processor time of the thread, for files of several sizes. Run it in OpenCode's own Bun:
 *
 *     BUN_BE_BUN=1 opencode run bench/edit.ts
 */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { threadTime } from "../test/thread_clock.ts";

const ROUNDS = 400;
const SIZES = [1 << 10, 100 << 10, 1 << 20];

// In memory, where spools are on a real system.
const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "octrace-bench-"));
process.env["XDG_RUNTIME_DIR"] = folder;
process.env["XDG_DATA_HOME"] = folder;
process.env["OCTRACE_BIN"] = join(folder, "no-such-recorder");

const { default: plugin } = await import("../index.ts");
const input = { directory: folder, worktree: folder, project: { id: "p" } };
const hooks = await plugin.server(input as never);
const provider = { options: { apiKey: `bench-${"k".repeat(40)}` } };
const model = { id: "m", providerID: "p", api: { npm: "@ai-sdk/openai" } };
await hooks["chat.headers"]?.({ sessionID: "ses", agent: "build", model, provider, message: { id: "msg" } } as never, { headers: {} });

for (const size of SIZES) {
  const line = "const answer = 42; // a line of a program, as they come\n";
  const file = join(folder, `file-${size}`);
  const text = line.repeat(Math.ceil(size / line.length)).slice(0, size);
  writeFileSync(file, text);
  const args = { filePath: file, oldString: "a", newString: "b" };
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const call = { tool: "edit", sessionID: "ses", callID: `call_${size}_${round}` };
    const begin = threadTime();
    void hooks["tool.execute.before"]?.(call, { args });
    const middle = threadTime();
    writeFileSync(file, text.replace("42", String(round)));
    const again = threadTime();
    void hooks["tool.execute.after"]?.({ ...call, args }, { title: "", output: "", metadata: {} });
    took.push(threadTime() - again + middle - begin);
    // The recorder reads and deletes what is written; without one the spool would be full soon.
    if (round % 8 === 7) rmSync(join(folder, "octrace"), { recursive: true, force: true });
  }
  took.sort((a, b) => a - b);
  const at = (share: number) => `${((took[Math.floor(took.length * share)] ?? NaN)).toFixed(0)} µs`.padStart(8);
  console.log(`${`${size >> 10} KiB`.padStart(8)}  median ${at(0.5)}  p95 ${at(0.95)}`);
}

await hooks.dispose?.();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
