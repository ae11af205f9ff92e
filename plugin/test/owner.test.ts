/** The plugin as OpenCode sees it. */

import { expect, test } from "bun:test";
import type { Hooks, PluginInput } from "@opencode-ai/plugin";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json";
import { CALL_HEADER, Calls } from "../calls.ts";
import { Kind } from "../frame.ts";
import { hooks } from "../hooks.ts";
import { PLUGIN_VERSION, Recording } from "../recording.ts";
import { json } from "./read_spool.ts";
import { until, world } from "./world.ts";

const here = world();
let copies = 0;

/** Loads the plugin as if from another folder. */
async function load(): Promise<{ id: string; server(input: PluginInput): Promise<Hooks> }> {
  const { default: plugin, ...others } = await import(`../index.ts?copy=${++copies}`);
  expect(others).toEqual({});
  expect(Object.keys(plugin)).toEqual(["id", "server"]);
  return plugin;
}

const input = (directory: string) => ({ directory, worktree: directory, project: { id: "p" } }) as PluginInput;
const event = (type: string) => ({ event: { id: "evt_1", type, properties: {} } }) as never;

test("several copies of the plugin record once, in every directory", async () => {
  const plain = globalThis.fetch;
  const [a, b] = [await load(), await load()];
  const tapped: unknown[] = [];
  for (const directory of ["/one", "/two", "/one"]) {
    const shared = input(directory);
    for (const { server } of [a, b]) {
      const hooks = await server(shared);
      tapped.push(globalThis.fetch);
      // OpenCode makes a new object for each hook it calls.
      await hooks.event?.(event("session.idle"));
    }
  }
  expect(new Set(tapped).size).toBe(1);
  expect(globalThis.fetch).not.toBe(plain);
  expect(here.spools()).toHaveLength(1);
  const diagnosed = here.frames().filter(({ kind }) => kind === Kind.Diagnostic);
  expect(diagnosed.map(json)).toEqual([{ event: "install.start" }, { event: "install.patched" }]);
  const seen = here.frames().filter((frame) => !diagnosed.some(({ mono }) => mono === frame.mono));
  expect(seen.slice(1).map((frame) => [frame.kind, json(frame).directory])).toEqual([
    [Kind.Instance, "/one"],
    [Kind.Event, "/one"],
    [Kind.Instance, "/two"],
    [Kind.Event, "/two"],
    [Kind.Instance, "/one"],
    [Kind.Event, "/one"],
  ]);
});

test("the last instance says goodbye", async () => {
  const { server } = await load();
  const [one, two] = [await server(input("/one")), await server(input("/two"))];
  await one.dispose?.();
  await one.dispose?.();
  expect(here.frames().filter(({ kind }) => kind === Kind.Bye)).toHaveLength(0);
  await two.dispose?.();
  expect(here.frames().at(-1)?.kind).toBe(Kind.Bye);
});

test("hooks keep ids and names, and mark each model call anew", async () => {
  const { server } = await load();
  const hooks = await server(input("/d"));
  await hooks.config?.({ provider: { p: { options: { apiKey: "config-credential" } } } } as never);
  await hooks["chat.message"]?.({ sessionID: "ses_1" }, { message: {}, parts: [] } as never);
  await hooks["tool.execute.before"]?.({ tool: "bash", sessionID: "ses_1", callID: "c" }, { args: { command: "secret" } });
  await hooks["tool.execute.after"]?.({ tool: "bash", sessionID: "ses_1", callID: "c", args: { command: "secret" } }, {} as never);
  await hooks["command.execute.before"]?.({ command: "init", sessionID: "ses_1", arguments: "secret" }, { parts: [] });
  await hooks["experimental.session.compacting"]?.({ sessionID: "ses_1" }, { context: ["secret"] });

  const call = {
    sessionID: "ses_1",
    agent: "build",
    message: { id: "msg_1" },
    model: { id: "m", providerID: "p", api: { npm: "@ai-sdk/anthropic" } },
    provider: { options: { apiKey: "provider-credential" } },
  };
  const tokens = await Promise.all(
    [1, 2].map(async () => {
      const output = { headers: {} as Record<string, string> };
      await hooks["chat.headers"]?.(call as never, output);
      return output.headers[CALL_HEADER];
    }),
  );
  expect(new Set(tokens).size).toBe(2);
  expect(here.frames().filter(({ kind }) => kind === Kind.Hook).map(json)).toEqual([
    { hook: "chat.message", input: { sessionID: "ses_1" } },
    { hook: "tool.execute.before", input: { tool: "bash", sessionID: "ses_1", callID: "c" } },
    { hook: "tool.execute.after", input: { tool: "bash", sessionID: "ses_1", callID: "c" } },
    { hook: "command.execute.before", input: { command: "init", sessionID: "ses_1" } },
    { hook: "experimental.session.compacting", input: { sessionID: "ses_1" } },
  ]);
  expect(Buffer.concat(here.frames().map(({ payload }) => payload)).toString()).not.toMatch(/credential|secret"/);
});

test("no hook throws, whatever it is given", async () => {
  const { server } = await load();
  expect(await server(undefined as never)).toEqual({});
  const hooks = await server(input("/d"));
  for (const hook of Object.values(hooks) as ((...args: unknown[]) => Promise<void>)[]) {
    expect(await hook()).toBeUndefined();
    expect(await hook(null, null)).toBeUndefined();
    expect(await hook({ event: null }, {})).toBeUndefined();
  }
});

test("a model call goes on where the plugin's files were taken away meanwhile", async () => {
  const gone = () => {
    throw new Error("Cannot find module './intercept.ts'");
  };
  const { "chat.headers": announce } = hooks(new Recording(), new Calls(), gone, gone, input("/d"));
  const model = { providerID: "p", id: "m", api: { npm: "@ai-sdk/openai" } };
  const call = { sessionID: "ses_1", agent: "build", model, message: { id: "msg_1" } };
  const output = { headers: {} };
  await announce?.(call as never, output);
  expect(Object.keys(output.headers)).toEqual([CALL_HEADER]);
});

test("the recorder is started for the spool, restarted, and its input ends only with us", async () => {
  const log = join(here.folder, "log");
  // The recordings of the tests before this one have recorders too.
  const note = (text: string) => `echo "$1 $2 ${text}" >> ${log}`;
  process.env["OCTRACE_BIN"] = here.script("hasty", note("in $PWD"));
  const { server } = await load();
  await server(input("/d"));
  await until("the spool", () => here.spools().length > 0);
  const spool = here.spools()[0] ?? "";
  const lines = () => (existsSync(log) ? readFileSync(log, "utf8").split("\n") : []).filter((l) => l.includes(spool));
  await until("the second start", () => lines().length >= 2);
  expect(lines().slice(0, 2)).toEqual([`record ${spool} in /`, `record ${spool} in /`]);
  process.env["OCTRACE_BIN"] = here.script("patient", `${note("reads")}; cat; ${note("ended")}`);
  await until("the patient one", () => lines().includes(`record ${spool} reads`));
  await Bun.sleep(50);
  expect(lines()).not.toContain(`record ${spool} ended`);
});

test("the version is the manifest's", () => expect(PLUGIN_VERSION).toBe(manifest.version));
