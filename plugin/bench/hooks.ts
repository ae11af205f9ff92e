/**
 * One process that is measured: the hooks that OpenCode calls most. The CPU of the thread that calls them, in batches,
 * because to ask for it costs as much as a call. Says the medians in microseconds as JSON, see {@link HookCosts}.
 *
 *     hooks.ts <batches>
 */

import { threadTime } from "../test/thread_clock.ts";
import { median } from "./figures.ts";
import { begin } from "./instance.ts";

export interface HookCosts {
  event: number;
  tool: number;
}

const BATCH = 50;
/** After so many batches whoever reads the spool gets the time to. */
const PAUSE = 20;

const hooks = await begin();
await Bun.sleep(100);

/** 1 KB, of the kinds that are kept. */
function event(i: number): { type: string; properties: object } {
  const ids = { id: `prt_${i}`, messageID: `msg_${i}`, sessionID: "ses_bench" };
  const time = { start: 1_700_000_000_000 + i, end: 1_700_000_000_900 + i };
  if (i % 2) {
    const part = { ...ids, type: "text", text: "what the model said – ".repeat(34), time };
    return { type: "message.part.updated", properties: { part, time: time.end } };
  }
  const input = { command: "cargo test --workspace", description: "Runs the tests" };
  const state = { status: "completed", input, output: "test result: ok\n".repeat(33), title: input.description, metadata: { exit: 0 }, time };
  const part = { ...ids, type: "tool", callID: `call_${i}`, tool: "bash", state };
  return { type: "message.part.updated", properties: { part, time: time.end } };
}

/** The median of the batches, for one call. */
async function cost<Given>(batches: number, given: (i: number) => Given, call: (given: Given) => void): Promise<number> {
  const took: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const all = Array.from({ length: BATCH }, (_, i) => given(batch * BATCH + i));
    const begin = threadTime();
    for (const each of all) call(each);
    took.push((threadTime() - begin) / BATCH);
    if (batch % PAUSE === 0) await Bun.sleep(5);
  }
  return median(took);
}

const batches = Number(process.argv[2]);
const costs: HookCosts = {
  event: await cost(batches, event, (event) => void hooks.event?.({ event } as never)),
  tool: await cost(
    batches,
    (i) => ({ tool: "grep", sessionID: "ses_bench", callID: `call_${i}`, args: { pattern: "answer", path: "/project" } }),
    ({ args, ...call }) => {
      void hooks["tool.execute.before"]?.(call, { args });
      void hooks["tool.execute.after"]?.({ ...call, args }, { title: "answer", output: "no matches", metadata: {} });
    },
  ),
};
console.log(JSON.stringify(costs));
process.exit(0);
