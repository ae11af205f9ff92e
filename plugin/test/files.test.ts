/** What is recorded of the files that tools change: the hooks and events are OpenCode's, the files are real. */

import { beforeEach, describe, expect, test } from "bun:test";
import type { Hooks, PluginInput } from "@opencode-ai/plugin";
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Files } from "../files.ts";
import { Kind, MAX_PAYLOAD } from "../frame.ts";
import { json } from "./read_spool.ts";
import { threadTime } from "./thread_clock.ts";
import { world } from "./world.ts";

const here = world();
let copies = 0;
let project = "";
let hooks: Hooks;

/** An instance of the plugin, in a folder of its own. */
beforeEach(async () => {
  project = join(realpathSync(here.runtime()), "project");
  mkdirSync(project);
  hooks = await start();
});

async function start(): Promise<Hooks> {
  const { default: plugin } = await import(`../index.ts?files=${++copies}`);
  return plugin.server({ directory: project, worktree: project, project: { id: "p" } } as PluginInput);
}

const at = (name: string) => join(project, name);
const put = (name: string, content: string | Uint8Array) => writeFileSync(at(name), content);

const call = (tool: string, callID = "call_1") => ({ tool, callID, sessionID: "ses_1" });
const before = (tool: string, args: object, id?: string) => hooks["tool.execute.before"]?.(call(tool, id), { args });
const after = (tool: string, args: object, id?: string, metadata = {}) =>
  hooks["tool.execute.after"]?.({ ...call(tool, id), args }, { title: "", output: "", metadata });
const tell = (type: string, properties: object) => hooks.event?.({ event: { id: "evt", type, properties } as never });
const asked = (id: string, callID = "call_1") =>
  tell("permission.asked", { id, sessionID: "ses_1", permission: "edit", tool: { messageID: "msg_1", callID } });
const replied = (requestID: string, reply: string) => tell("permission.replied", { sessionID: "ses_1", requestID, reply });

/** All that was said of files: `moment path found bytes`, paths below the project. */
function seen(): string[] {
  return looks().map(({ about, bytes }) =>
    [about.moment, about.path.replace(`${project}/`, ""), about.found, ...(about.found === "bytes" ? [bytes.toString()] : [])].join(" "),
  );
}

function looks() {
  const frames = here.frames().filter(({ kind }) => kind === Kind.File);
  return frames.map(({ payload }) => {
    const end = payload.indexOf("\n");
    return { about: JSON.parse(payload.subarray(0, end).toString()), bytes: payload.subarray(end + 1) };
  });
}

describe("a call", () => {
  test("edit: before and after, with all that is said of it", async () => {
    put("a.txt", "one\n");
    utimesSync(at("a.txt"), 1_700_000_000, 1_700_000_000.25);
    const { ctimeMs } = statSync(at("a.txt"));
    const args = { filePath: "a.txt", oldString: "one", newString: "two" };
    await before("edit", args);
    put("a.txt", "two, and more\n");
    await after("edit", args);
    const [first, second, ...others] = looks();
    expect(others).toEqual([]);
    expect(first?.about).toEqual({
      directory: project,
      session: "ses_1",
      call: "call_1",
      tool: "edit",
      moment: "before",
      path: at("a.txt"),
      named: "",
      found: "bytes",
      size: 4,
      changed_us: Math.floor(ctimeMs * 1000),
      hash: expect.stringMatching(/^[0-9a-f]{1,16}$/),
      blanked: false,
    });
    expect(first?.bytes.toString()).toBe("one\n");
    expect(second?.about).toMatchObject({ moment: "after", size: 14, found: "bytes" });
    expect(second?.about.hash).not.toBe(first?.about.hash);
    expect(second?.bytes.toString()).toBe("two, and more\n");
  });

  test("is bracketed by what is seen: first the file, then its begin; first its end, then the file", async () => {
    put("a.txt", "one\n");
    await before("edit", { filePath: "a.txt" });
    await asked("per_1");
    await replied("per_1", "once");
    put("a.txt", "two\n");
    await after("edit", { filePath: "a.txt" });
    const order = here.frames().map((frame) => {
      if (frame.kind === Kind.Hook) return json(frame).hook;
      if (frame.kind === Kind.Event) return json(frame).event.type;
      return frame.kind === Kind.File ? "file" : "";
    });
    expect(order.filter(Boolean)).toEqual([
      "file",
      "tool.execute.before",
      "permission.asked",
      "file",
      "permission.replied",
      "tool.execute.after",
      "file",
    ]);
  });

  test("write makes a file, and folders for it", async () => {
    const args = { filePath: at("deep/er/new.txt"), content: "new\n" };
    await before("write", args);
    mkdirSync(at("deep/er"), { recursive: true });
    put("deep/er/new.txt", "new\n");
    await after("write", args);
    expect(seen()).toEqual(["before deep/er/new.txt absent", "after deep/er/new.txt bytes new\n"]);
  });

  test("apply_patch adds, updates, deletes and moves; the text of a patch names no files", async () => {
    put("update.txt", "u\n");
    put("delete.txt", "d\n");
    put("from.txt", "m\n");
    const patchText = [
      "*** Begin Patch",
      "*** Add File: add.txt",
      "+*** Delete File: of-the-text.txt",
      "*** Update File:update.txt\r",
      "@@",
      " *** Update File: context.txt",
      "-u",
      "+U",
      `*** Update File: ${at("from.txt")}`,
      "*** Move to: sub/to.txt",
      "*** Delete File: ./delete.txt  ",
      "*** End Patch",
    ].join("\n");
    await before("apply_patch", { patchText });
    put("add.txt", "a\n");
    put("update.txt", "U\n");
    mkdirSync(at("sub"));
    put("sub/to.txt", "M\n");
    for (const name of ["delete.txt", "from.txt"]) rmSync(at(name));
    await after("apply_patch", { patchText });
    expect(seen()).toEqual([
      "before add.txt absent",
      "before update.txt bytes u\n",
      "before from.txt bytes m\n",
      "before sub/to.txt absent",
      "before delete.txt bytes d\n",
      "after add.txt bytes a\n",
      "after update.txt bytes U\n",
      "after from.txt absent",
      "after sub/to.txt bytes M\n",
      "after delete.txt absent",
    ]);
  });

  test("apply_patch: afterwards, what its result names counts too", async () => {
    put("a.txt", "a\n");
    put("b.txt", "b\n");
    await after("apply_patch", { patchText: "*** Update File: a.txt" }, "call_1", {
      files: [{ filePath: at("a.txt"), movePath: at("b.txt") }, { filePath: "relative.txt" }, null, { filePath: 1 }],
    });
    expect(seen()).toEqual(["after a.txt bytes a\n", "after b.txt bytes b\n"]);
  });

  test("what names no files is not looked at", async () => {
    put("a.txt", "a\n");
    for (const tool of ["bash", "read", "task"]) {
      await before(tool, { filePath: "a.txt", command: "cat a.txt" });
      await after(tool, { filePath: "a.txt" });
    }
    for (const args of [undefined, null, {}, { filePath: 1 }, { filePath: "" }, { patchText: {} }]) {
      await before("edit", args as never);
      await before("apply_patch", args as never);
    }
    expect(seen()).toEqual([]);
    expect(here.frames().filter(({ kind }) => kind === Kind.Hook)).toHaveLength(18);
  });

  test("a shell's start is said without its environment", async () => {
    const env = { SECRET: "of the environment" };
    await hooks["shell.env"]?.({ cwd: project, sessionID: "ses_1", callID: "call_1" }, { env });
    await hooks["shell.env"]?.({ cwd: project }, { env });
    const said = here.frames().filter(({ kind }) => kind === Kind.Hook).map(json);
    expect(said).toEqual([{ hook: "shell.env", input: { cwd: project, sessionID: "ses_1", callID: "call_1" } }]);
    expect(env).toEqual({ SECRET: "of the environment" });
  });
});

describe("a permission", () => {
  test("what a person changed before it was granted is none of the call's", async () => {
    put("a.txt", "one\n");
    await before("edit", { filePath: "a.txt" });
    await asked("per_1");
    appendFileSync(at("a.txt"), "by hand\n");
    await replied("per_1", "always");
    expect(seen()).toEqual(["before a.txt bytes one\n", "permitted a.txt bytes one\nby hand\n"]);
  });

  test("that is refused, or of another call, says nothing of the file", async () => {
    put("a.txt", "one\n");
    await before("edit", { filePath: "a.txt" });
    await asked("per_1");
    await replied("per_1", "reject");
    await asked("per_2", "call_2");
    await replied("per_2", "once");
    await tell("permission.asked", { id: "per_3", sessionID: "ses_1" });
    await replied("per_3", "once");
    await replied("per_4", "once");
    expect(seen()).toEqual(["before a.txt bytes one\n"]);
  });

  test.each([
    ["after it", () => after("edit", { filePath: "a.txt" })],
    ["when it fails", () => tell("message.part.updated", { part: { type: "tool", sessionID: "ses_1", callID: "call_1", state: { status: "error" } } })],
    ["when the session is idle", () => tell("session.idle", { sessionID: "ses_1" })],
  ])("a call is forgotten %s", async (_, end) => {
    put("a.txt", "one\n");
    await before("edit", { filePath: "a.txt" });
    await asked("per_1");
    await end();
    await replied("per_1", "once");
    expect(seen().filter((look) => look.startsWith("permitted"))).toEqual([]);
  });

  test("only so many calls are remembered, the newest", async () => {
    for (let i = 0; i <= 256; i++) await before("edit", { filePath: "a.txt" }, `call_${i}`);
    for (const i of [0, 1, 256]) {
      await asked(`per_${i}`, `call_${i}`);
      await replied(`per_${i}`, "once");
    }
    const permitted = looks().filter(({ about }) => about.moment === "permitted");
    expect(permitted.map(({ about }) => about.call)).toEqual(["call_1", "call_256"]);
  });
});

describe("the same bytes", () => {
  test("are not said again, until there were others", async () => {
    put("a.txt", "one\n");
    put("b.txt", "one\n");
    for (const [id, content] of [["1", "one\n"], ["2", "two\n"], ["3", "one\n"]] as const) {
      await before("edit", { filePath: "a.txt" }, id);
      put("a.txt", content);
      await after("edit", { filePath: "a.txt" }, id);
    }
    await before("edit", { filePath: "b.txt" });
    expect(seen()).toEqual([
      "before a.txt bytes one\n",
      "after a.txt same",
      "before a.txt same",
      "after a.txt bytes two\n",
      "before a.txt same",
      "after a.txt bytes one\n",
      "before b.txt bytes one\n",
    ]);
    const [first, second] = looks();
    expect(second?.about.hash).toBe(first?.about.hash);
    expect(second?.about.size).toBe(4);
  });

  test("by another name are the same file's", async () => {
    put("real.txt", "one\n");
    symlinkSync("real.txt", at("link.txt"));
    await before("edit", { filePath: "real.txt" });
    await before("edit", { filePath: "link.txt" });
    expect(seen()).toEqual(["before real.txt bytes one\n", "before real.txt same"]);
    expect(looks().map(({ about }) => about.named)).toEqual(["", at("link.txt")]);
  });
});

describe("what is at a path", () => {
  const found = async (filePath: string) => {
    await before("edit", { filePath });
    const { about, bytes } = looks().at(-1) ?? {};
    return { ...about, bytes };
  };

  test("links are followed, also where there is no file yet", async () => {
    mkdirSync(at("real"));
    symlinkSync("real", at("folder"));
    symlinkSync("../new.txt", at("real/link.txt"));
    expect(await found("folder/file.txt")).toMatchObject({ found: "absent", path: at("real/file.txt"), named: at("folder/file.txt") });
    expect(await found("folder/link.txt")).toMatchObject({ found: "absent", path: at("new.txt"), size: 0, changed_us: null });
    put("new.txt", "n\n");
    expect(await found("folder/link.txt")).toMatchObject({ found: "bytes", path: at("new.txt") });
    expect(await found("new.txt/below.txt")).toMatchObject({ found: "absent", path: at("new.txt/below.txt") });
  });

  test("a folder, a named pipe and a device are not opened", async () => {
    execFileSync("mkfifo", [at("pipe")]);
    symlinkSync("pipe", at("to-pipe"));
    expect(await found(".")).toMatchObject({ found: "other", path: project });
    expect(await found("to-pipe")).toMatchObject({ found: "other", path: at("pipe") });
    expect(await found("/dev/null")).toMatchObject({ found: "other", path: "/dev/null" });
  });

  test("what cannot be read is said to be so", async () => {
    symlinkSync("b", at("a"));
    symlinkSync("a", at("b"));
    expect(await found("a")).toMatchObject({ found: "unreadable" });
    expect(await found("x".repeat(5000))).toMatchObject({ found: "unreadable" });
    expect(await found("nul\0in-it")).toMatchObject({ found: "unreadable" });
    expect(await found("no/".repeat(500))).toMatchObject({ found: "unreadable" });
    if (process.getuid?.() === 0) return; // Who may read everything.
    put("closed.txt", "c\n");
    chmodSync(at("closed.txt"), 0o200);
    expect(await found("closed.txt")).toMatchObject({ found: "unreadable" });
  });

  test("bytes that are no text", async () => {
    const content = Uint8Array.from({ length: 512 }, (_, i) => i % 256);
    put("binary", content);
    expect((await found("binary")).bytes).toEqual(Buffer.from(content));
    put("empty", "");
    expect(await found("empty")).toMatchObject({ found: "bytes", size: 0, bytes: Buffer.from("") });
  });

  test("a large file, as long as it fits into a frame", async () => {
    put("long", Buffer.alloc(4_100_000, "l"));
    const { found: long, bytes } = await found("long");
    expect([long, bytes?.length]).toEqual(["bytes", 4_100_000]);
    truncateSync(at("long"), MAX_PAYLOAD);
    expect(await found("long")).toMatchObject({ found: "large", size: MAX_PAYLOAD, bytes: Buffer.from("") });
  });

  test("of one call only so much is read", async () => {
    const names = Array.from({ length: 300 }, (_, i) => `${i}.txt`);
    for (const name of names.slice(0, 5)) put(name, Buffer.alloc(4_000_000, name));
    put("5.txt", "short\n");
    await before("apply_patch", { patchText: names.map((name) => `*** Update File: ${name}\n`).join("") });
    const all = looks().map(({ about }) => about.found);
    expect(all.slice(0, 7)).toEqual(["bytes", "bytes", "bytes", "bytes", "large", "bytes", "absent"]);
    expect(all).toHaveLength(256);
  });
});

describe("credentials", () => {
  const announce = (apiKey: string) => {
    const model = { id: "m", providerID: "p", api: { npm: "@ai-sdk/openai" } };
    const call = { sessionID: "ses_1", agent: "build", model, provider: { options: { apiKey } }, message: { id: "msg_1" } };
    return hooks["chat.headers"]?.(call as never, { headers: {} });
  };

  test("are taken out of bytes and names, and that is said", async () => {
    const [key, inName] = [`key"${"k".repeat(6)}`, `name-${"n".repeat(12)}`];
    await announce(key);
    await announce(inName);
    put("a.env", `KEY=${key}\nOTHER=1\n`);
    put(inName, "nothing\n");
    await before("edit", { filePath: "a.env" });
    await before("edit", { filePath: inName });
    const [bytes, name] = looks();
    expect(bytes?.about).toMatchObject({ found: "bytes", size: 23, blanked: true });
    expect(bytes?.bytes.toString()).toBe("KEY=[REDACTED]\nOTHER=1\n");
    expect(name?.about).toMatchObject({ path: at("[REDACTED]"), blanked: false });
    const spool = here.frames().map(({ payload }) => payload.toString("latin1")).join();
    for (const secret of [key, JSON.stringify(key).slice(1, -1), inName]) expect(spool).not.toContain(secret);
  });

  test("a file that is too long without them is not cut", async () => {
    await announce("8-tokens");
    put("many", `${"8-tokens".repeat(20_000)}${"x".repeat(4_000_000)}`);
    for (const _ of [1, 2]) await before("edit", { filePath: "many" });
    expect(looks().map(({ about, bytes }) => [about.found, about.size, bytes.length])).toEqual([
      ["large", 4_160_000, 0],
      ["large", 4_160_000, 0],
    ]);
  });
});

describe("a shell", () => {
  const starts = (callID = "sh_1", cwd = project) => hooks["shell.env"]?.({ cwd, sessionID: "ses_1", callID }, { env: {} });
  /** Runs a command as OpenCode does; what it does is done here. */
  const run = async (command: string, does = () => {}, id = "sh_1", cwd = project) => {
    await before("bash", { command }, id);
    await starts(id, cwd);
    does();
    await after("bash", { command }, id);
  };
  /** Of a file with such a time, changes show in its times. */
  const settle = () => Bun.sleep(150);

  test("the files that its command names are seen when its process starts, and when it has ended", async () => {
    put("a.txt", "one\n");
    put("b.txt", "b\n");
    await run("sed -i s/one/two/ a.txt > log/new.txt; use b.txt none.txt", () => put("a.txt", "two\n"));
    expect(seen()).toEqual([
      "permitted a.txt bytes one\n",
      "permitted log/new.txt absent",
      "permitted b.txt bytes b\n",
      "after a.txt bytes two\n",
      "after log/new.txt absent",
      "after b.txt same",
    ]);
    expect(looks()[0]?.about).toMatchObject({ session: "ses_1", call: "sh_1", tool: "bash", directory: project });
  });

  test("is bracketed by what is seen, and its permission says nothing", async () => {
    put("a.txt", "one\n");
    await before("bash", { command: "use a.txt" }, "sh_1");
    await asked("per_1", "sh_1");
    await replied("per_1", "once");
    await starts();
    await after("bash", {}, "sh_1");
    const frames = here.frames().filter(({ kind }) => kind === Kind.Hook || kind === Kind.File);
    expect(frames.map((frame) => (frame.kind === Kind.File ? "file" : json(frame).hook))).toEqual([
      "tool.execute.before",
      "file",
      "shell.env",
      "tool.execute.after",
      "file",
    ]);
    const times = frames.map(({ wall }) => wall);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(times).size).toBe(times.length);
  });

  test("what a person changed before it starts is none of its doing, in files that were seen before", async () => {
    for (const name of ["a.txt", "b.txt", "c.txt", "d.txt"]) {
      put(name, "one\n");
      await before("edit", { filePath: name });
    }
    await settle();
    const told = seen().length;
    await run("make", () => {}, "sh_0");
    expect(seen()).toHaveLength(told);
    appendFileSync(at("a.txt"), "by hand\n");
    renameSync(at("d.txt"), at("e.txt"));
    await run("make", () => {
      appendFileSync(at("a.txt"), "by make\n");
      appendFileSync(at("b.txt"), "by make\n");
    });
    expect(seen().slice(told)).toEqual([
      "permitted a.txt bytes one\nby hand\n",
      "permitted d.txt absent",
      "after b.txt bytes one\nby make\n",
      "after a.txt bytes one\nby hand\nby make\n",
    ]);
  });

  test("a change of the same length and time as the one that was seen is seen too", async () => {
    put("a.txt", "one\n");
    await before("edit", { filePath: "a.txt" });
    put("a.txt", "two\n");
    await run("make");
    await settle();
    put("a.txt", "six\n");
    const { atime, mtime } = statSync(at("a.txt"));
    await run("make", () => {
      put("a.txt", "ten\n");
      utimesSync(at("a.txt"), atime, mtime);
    });
    expect(seen().slice(1)).toEqual(["permitted a.txt bytes two\n", "permitted a.txt bytes six\n", "after a.txt bytes ten\n"]);
  });

  test("its folder counts, not the instance's", async () => {
    mkdirSync(at("sub"));
    put("sub/a.txt", "a\n");
    await run("use a.txt", undefined, "sh_1", at("sub"));
    expect(seen()).toEqual(["permitted sub/a.txt bytes a\n", "after sub/a.txt same"]);
  });

  test("that a person runs, or a terminal, or whose process never started: nothing", async () => {
    put("a.txt", "one\n");
    await before("edit", { filePath: "a.txt" });
    put("a.txt", "two\n");
    await starts("01KFZZ");
    await hooks["shell.env"]?.({ cwd: project, sessionID: "ses_1" }, { env: {} });
    await before("bash", { command: "use a.txt" }, "sh_1");
    await after("bash", { command: "use a.txt" }, "sh_1");
    await starts("sh_1");
    for (const command of [undefined, 1, {}]) await run(command as never);
    expect(seen()).toEqual(["before a.txt bytes one\n", "permitted a.txt bytes two\n"]);
  });

  test("what is no file, or too large, is not told", async () => {
    mkdirSync(at("sub"));
    put("large", Buffer.alloc(MAX_PAYLOAD));
    for (let i = 0; i < 5; i++) put(`${i}`, Buffer.alloc(1_000_000, i));
    put("last", "l\n");
    await run("use sub . large /dev/null 0 1 2 3 4 last");
    const told = looks().map(({ about }) => `${about.moment} ${about.path.replace(`${project}/`, "")}`);
    expect(told.slice(0, 5)).toEqual(["permitted 0", "permitted 1", "permitted 2", "permitted 3", "permitted last"]);
    expect(told.slice(5)).toEqual(["after 0", "after 1", "after 2", "after 3", "after last"]);
  });

  test("costs little beside many files that were seen before", async () => {
    const names = Array.from({ length: 100 }, (_, i) => `${i}.txt`);
    for (const name of names) {
      put(name, "one\n");
      await before("edit", { filePath: name });
    }
    const content = Buffer.from("a line of a program, as they come\n".repeat(300));
    const took = { ours: [] as number[], files: [] as number[] };
    const command = "use x.txt | sort - y.txt > z.txt";
    await settle();
    for (let round = 0; round < 60; round++) {
      content.writeUInt32LE(round);
      for (const name of ["x.txt", "y.txt", "z.txt"]) put(name, content);
      const begin = threadTime();
      void before("bash", { command }, `sh_${round}`);
      void starts(`sh_${round}`);
      void after("bash", { command }, `sh_${round}`);
      const middle = threadTime();
      for (const name of names) for (const _ of [1, 2]) statSync(at(name));
      for (const name of ["x.txt", "y.txt", "z.txt"]) for (const _ of [1, 2]) put(`to-${name}`, readFileSync(at(name)));
      took.files.push(threadTime() - middle);
      took.ours.push(middle - begin);
    }
    const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? Infinity;
    const [ours, files] = [median(took.ours), median(took.files)];
    console.info(`three hooks ${ours.toFixed(0)} µs, ${(ours / files).toFixed(1)} times what the files take`);
    expect(ours / files).toBeLessThan(3);
  });
});

test("an edit costs no more than a few times what reading and writing its file does", async () => {
  const content = Buffer.from("a line of a program, as they come\n".repeat(3_000));
  const took = { ours: [] as number[], files: [] as number[] };
  for (let round = 0; round < 60; round++) {
    content.writeUInt32LE(round);
    put("a.txt", content);
    const begin = threadTime();
    void before("edit", { filePath: "a.txt" }, `call_${round}`);
    void after("edit", { filePath: "a.txt" }, `call_${round}`);
    const middle = threadTime();
    for (const name of ["b.txt", "c.txt"]) put(name, readFileSync(at("a.txt")));
    took.files.push(threadTime() - middle);
    took.ours.push(middle - begin);
  }
  expect(looks().map(({ about }) => about.found).slice(-2)).toEqual(["bytes", "same"]);
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? Infinity;
  const [ours, files] = [median(took.ours), median(took.files)];
  console.info(`both hooks ${ours.toFixed(0)} µs, ${(ours / files).toFixed(1)} times what the files take`);
  expect(ours / files).toBeLessThan(3);
});

describe("it is left out", () => {
  test.each(["false", "0", "no", "OFF"])("AGENT_TRACE_ENABLED=%s: no file is read", async (value) => {
    process.env["AGENT_TRACE_ENABLED"] = value;
    delete (globalThis as never)[Symbol.for("octrace")];
    hooks = await start();
    put("a.txt", "one\n");
    await before("edit", { filePath: "a.txt" });
    await asked("per_1");
    await replied("per_1", "once");
    await after("edit", { filePath: "a.txt" });
    await before("bash", { command: "use a.txt" });
    await hooks["shell.env"]?.({ cwd: project, sessionID: "ses_1", callID: "call_1" }, { env: {} });
    await after("bash", {});
    expect(seen()).toEqual([]);
    expect(here.frames().filter(({ kind }) => kind === Kind.Hook)).toHaveLength(5);
  });

  test("where there is no room for its bytes, it is said that a file was looked at; and its bytes when there is", () => {
    const room = [false, true, true];
    const said: string[] = [];
    const recording = {
      file({ found }: { found: string }, bytes?: Uint8Array): boolean {
        const fits = !bytes || (room.shift() ?? false);
        if (fits) said.push(found);
        return fits;
      },
    };
    put("a.txt", "one\n");
    const files = new Files(recording as never);
    for (const id of ["1", "2", "3"]) files.before(project, call("edit", id), { filePath: "a.txt" });
    expect(said).toEqual(["large", "bytes", "same"]);
  });
});
