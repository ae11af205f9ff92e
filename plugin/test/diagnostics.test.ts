/** What the plugin tells about its decisions, and about the settings it was started with. */

import { beforeEach, describe, expect, test } from "bun:test";
import type { PluginInput } from "@opencode-ai/plugin";
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kind } from "../frame.ts";
import { readStrictness } from "../user_config.ts";
import { json } from "./read_spool.ts";
import { until, world } from "./world.ts";

const here = world();
let copies = 0;

beforeEach(() => {
  const answer = async () => new Response("{}");
  globalThis.fetch = Object.assign(answer, { preconnect: globalThis.fetch.preconnect });
});

async function start(options?: object) {
  const { default: plugin } = await import(`../index.ts?diagnosed=${++copies}`);
  const input = { directory: "/d", worktree: "/d", project: { id: "p" } } as PluginInput;
  return plugin.server(input, options) as Promise<{ dispose(): Promise<void> }>;
}

const of = (kind: number) => here.frames().filter((frame) => frame.kind === kind);
const diagnosed = () => of(Kind.Diagnostic).map((frame) => ({ ...json(frame), exchange: frame.exchange }));
const post = (url: string | URL, body = "") => fetch(url, { method: "POST", body });

test("each decision: method, host and reason, and nothing else of a request that is not recorded", async () => {
  const hooks = await start();
  await fetch("https://user:pass-word@example.com:8443/page?key=in-the-query", { headers: { "x-h": "in-a-header" } });
  await post("https://example.com/form", "in-the-body");
  await post(new URL("https://api.example.com/v1/messages"), "{}");
  await fetch(new Request("https://api.example.com/v1/responses", { method: "POST", body: '{"input":1}' }));
  await fetch("not a url").catch(() => {});
  await hooks.dispose();
  const page = { method: "GET", host: "example.com:8443", count: 1, exchange: 0 };
  const form = { method: "POST", host: "example.com", count: 1, exchange: 0 };
  const api = { method: "POST", host: "api.example.com" };
  const odd = { method: "GET", host: "", count: 1, exchange: 0 };
  expect(diagnosed()).toEqual([
    { event: "install.start", exchange: 0 },
    { event: "install.patched", exchange: 0 },
    { event: "fetch.seen", ...page },
    { event: "fetch.skipped", ...page, reason: "method-not-post" },
    { event: "fetch.seen", ...form },
    { event: "fetch.skipped", ...form, reason: "missing-provider-header-not-llm-endpoint" },
    { event: "fetch.seen", ...api, exchange: 1 },
    { event: "fetch.traced", ...api, exchange: 1 },
    { event: "fetch.seen", ...api, exchange: 2 },
    { event: "fetch.traced", ...api, exchange: 2 },
    { event: "fetch.seen", ...odd },
    { event: "fetch.skipped", ...odd, reason: "method-not-post" },
  ]);
  const all = Buffer.concat(here.frames().map(({ payload }) => payload)).toString();
  expect(all).not.toMatch(/in-the-|in-a-|pass-word|\/page|\/form/);
});

test("none where they are not wanted", async () => {
  process.env["OPENCODE_API_TRACER_DEBUG"] = "0";
  const hooks = await start();
  await fetch("https://example.com/");
  await post("https://api.example.com/v1/messages");
  await hooks.dispose();
  expect(diagnosed()).toEqual([]);
  expect(of(Kind.Request)).toHaveLength(1);
});

test("100,000 fetches take little room, and are all counted", async () => {
  const hooks = await start();
  for (let count = 0; count < 100_000; count++) void fetch("https://example.com/");
  await hooks.dispose();
  const skipped = diagnosed().filter(({ event }) => event === "fetch.skipped");
  expect(skipped.reduce((sum, { count }) => sum + count, 0)).toBe(100_000);
  expect(here.frames().reduce((sum, { payload }) => sum + payload.length, 0)).toBeLessThan(300_000);
});

test("settings of the environment and the options come with the recording", async () => {
  process.env["OPENCODE_API_TRACER_DIR"] = "/logs";
  process.env["OPENCODE_API_TRACER_DEBUG_FILE"] = "/logs/debug";
  process.env["AGENT_TRACE_DATABASE_URL"] = "postgres://me:geheim@db/trace";
  process.env["AGENT_TRACE_ENABLED"] = "yes";
  const hooks = await start({ dir: "./here", redactPatterns: ["a+"], apiKey: "an-option-that-is-secret" });
  await hooks.dispose();
  expect(json(of(Kind.Hello)[0]).settings).toEqual({
    jsonl_dir: "/logs",
    debug: "",
    debug_file: "/logs/debug",
    tmp: tmpdir(),
    data: join(process.env["XDG_DATA_HOME"] ?? "", "opencode"),
    agent_trace: {
      enabled: "yes",
      database: "postgres://me@db/trace",
      application_database: "",
      redaction: "",
      spec_version: "",
      tool_name: "",
      tool_version: "",
    },
    variables: {},
    keys: {},
  });
  expect(json(of(Kind.Instance)[0]).options).toEqual({ dir: "./here", redactPatterns: ["a+"], apiKey: null });
});

test("options count beside whichever copy of the plugin they stand", async () => {
  const input = { directory: "/d", worktree: "/d", project: { id: "p" } } as PluginInput;
  for (const options of [undefined, { dir: "/logs" }]) {
    const { default: plugin } = await import(`../index.ts?diagnosed=${++copies}`);
    await plugin.server(input, options);
  }
  await until("the spool", () => of(Kind.Instance).length > 0);
  expect(of(Kind.Instance).map((frame) => json(frame).options)).toEqual([{}, { dir: "/logs" }]);
});

describe("strictness is the user's", () => {
  const write = (text: string) => {
    mkdirSync(join(here.runtime(), "octrace"), { recursive: true });
    writeFileSync(join(here.runtime(), "octrace/config.toml"), text);
  };
  const read = () => readStrictness({ XDG_CONFIG_HOME: here.runtime() });

  test.each([
    ["[capture]\nrequire_provider_header = true\n", true],
    ["capture.require_provider_header = true # strict", true],
    ["[capture]\nrequire_provider_header = false\n", false],
    ['[capture]\nrequire_provider_header = "true"\n', false],
    ["[other]\nrequire_provider_header = true\n", false],
    ["capture = 1", false],
    ["[capture\nrequire_provider_header = true", false],
    ["", false],
  ])("%j", (text, expected) => {
    write(text);
    expect(read()).toBe(expected);
  });

  test("and false without a file", () => expect(read()).toBe(false));

  test("and false where the file is a folder", () => {
    mkdirSync(join(here.runtime(), "octrace/config.toml"), { recursive: true });
    expect(read()).toBe(false);
  });
});
