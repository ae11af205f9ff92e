/** Which tape a recording is for, with the plugin laid out as `octrace install` does it. */

import { expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { json } from "./read_spool.ts";
import { until, world } from "./world.ts";

const here = world();
const sources = join(import.meta.dir, "..");

test.each([
  ["the one of the environment", { set: "/set", file: "/as/installed" }, "/set"],
  ["else the one it was installed for", { file: "/as/installed" }, "/as/installed"],
  ["also where the environment's is relative", { set: "relative", file: "/as/installed" }, "/as/installed"],
  ["else that of the user's data folder", {}, undefined],
  ["also where the installed one is relative", { file: "relative" }, undefined],
])("%s", async (_, { set, file }: { set?: string; file?: string }, expected) => {
  const home = expected ?? join(here.runtime(), "data/octrace");
  const log = join(here.runtime(), "log");
  const binary = here.script("recorder", `echo "$OCTRACE_HOME" > ${log}; cat`);
  delete process.env["OCTRACE_BIN"];
  delete process.env["OCTRACE_HOME"];
  if (set) process.env["OCTRACE_HOME"] = set;

  const plugin = join(here.runtime(), "plugin");
  mkdirSync(plugin);
  for (const name of readdirSync(sources).filter((name) => name.endsWith(".ts"))) {
    copyFileSync(join(sources, name), join(plugin, name));
  }
  writeFileSync(join(plugin, "recorder.json"), JSON.stringify({ binary, home: file }));
  const { default: it } = await import(join(plugin, "index.ts"));
  await it.server({ directory: "/d", worktree: "/d", project: { id: "p" } });

  await until("the spool", () => here.frames().length > 0);
  expect(json(here.frames()[0]).home).toBe(home);
  await until("the recorder", () => existsSync(log) && readFileSync(log, "utf8") === `${home}\n`);
});
