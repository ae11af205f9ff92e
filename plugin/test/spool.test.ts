/** The spool on the disk: where it may be, its segments and its bounds, and how its recorder is started. */

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writevSync,
} from "node:fs";
import { join } from "node:path";
import { FLAG_LAST, Kind } from "../frame.ts";
import { Recording } from "../recording.ts";
import { spoolRoot } from "../root.ts";
import { Spool, type Limits } from "../spool.ts";
import { json, readSpool, segmentNames } from "./read_spool.ts";
import { temporaryFolder, until, world } from "./world.ts";

const HELLO = Buffer.from('{"format":1}');
const root = temporaryFolder();
const spool = (limits?: Limits) => new Spool(root, () => HELLO, limits);
const kinds = (folder: string) => readSpool(folder).map(({ kind }) => kind);

describe("a spool", () => {
  test("is ours alone, and each segment begins with a hello", () => {
    const it = spool({ maxBound: 4 << 20 });
    for (let i = 0; i < 20; i++) it.write(Kind.ResponseBody, new Uint8Array(100 << 10).fill(i), { exchange: 1 });
    expect(lstatSync(it.folder).mode & 0o777).toBe(0o700);

    const names = segmentNames(it.folder);
    expect(names.slice(0, 2)).toEqual(["00000001.seg", "00000002.seg"]);
    for (const name of names) expect(lstatSync(join(it.folder, name)).mode & 0o777).toBe(0o600);

    const frames = readSpool(it.folder);
    for (let number = 1; number <= names.length; number++) {
      expect(frames.find(({ segment }) => segment === number)?.kind).toBe(Kind.Hello);
    }
    const bodies = frames.filter(({ kind }) => kind === Kind.ResponseBody);
    expect(bodies.map(({ payload }) => payload[0])).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test("past its bound drops bodies, keeps small frames, and says what it dropped", async () => {
    const it = spool({ maxBound: 1 << 20 });
    const body = new Uint8Array(64 << 10);
    let written = 0;
    while (it.write(Kind.ResponseBody, body, { exchange: 1 })) written += 1;
    expect(written).toBeGreaterThan(10);
    expect(it.write(Kind.ResponseBody, body, { exchange: 1 })).toBe(false);
    expect(it.write(Kind.File, [Buffer.from("{}"), body])).toBe(false);
    expect(it.write(Kind.File, [Buffer.from("{}"), Buffer.from("\n")])).toBe(true);
    expect(it.write(Kind.End, Buffer.from("{}"), { exchange: 1 })).toBe(true);

    const [gap, file] = readSpool(it.folder).slice(-3);
    expect(gap?.kind).toBe(Kind.Gap);
    expect(json(gap)).toEqual({ frames: 3, bytes: 3 * body.length + 2, reason: "bound" });
    expect(file?.payload.toString()).toBe("{}\n");

    // The recorder has read and deletes all segments but the newest: there is room again.
    for (const name of segmentNames(it.folder).slice(0, -1)) rmSync(join(it.folder, name));
    await until("room", () => it.write(Kind.ResponseBody, body, { exchange: 2 }));
    expect(readSpool(it.folder).at(-1)).toMatchObject({ kind: Kind.ResponseBody, exchange: 2 });
  });

  test("a torn write is repeated whole in the next segment", () => {
    let tear = false;
    const write: typeof writevSync = (file, parts) => {
      if (!tear) return writevSync(file, parts);
      tear = false;
      return writevSync(file, [Buffer.concat(parts as Uint8Array[]).subarray(0, 40)]);
    };
    const it = spool({ write });
    it.write(Kind.Event, Buffer.from("first"));
    tear = true;
    expect(it.write(Kind.Event, Buffer.from("second, and longer than the tear"))).toBe(true);
    expect(segmentNames(it.folder)).toHaveLength(2);
    expect(kinds(it.folder)).toEqual([Kind.Hello, Kind.Event, Kind.Hello, Kind.Event]);
    expect(readSpool(it.folder).at(-1)?.payload.toString()).toBe("second, and longer than the tear");
  });

  test("a full disk is survived, counted, and not filled with empty files", async () => {
    let full = false;
    const write: typeof writevSync = (file, parts) => {
      if (full) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      return writevSync(file, parts);
    };
    const it = spool({ write });
    it.write(Kind.Event, Buffer.from("before"));
    full = true;
    for (let i = 0; i < 100; i++) expect(it.write(Kind.Event, Buffer.from("lost"))).toBe(false);
    expect(segmentNames(it.folder).length).toBeLessThan(5);
    full = false;
    let lost = 100;
    await until("the disk to be tried again", () => it.write(Kind.Event, Buffer.from("after")) || ++lost < 0);
    const frames = readSpool(it.folder);
    expect(frames.map(({ kind }) => kind)).toEqual([Kind.Hello, Kind.Event, Kind.Hello, Kind.Gap, Kind.Event]);
    expect(json(frames[3])).toEqual({ frames: lost, bytes: 4 * 100 + 5 * (lost - 100), reason: "disk" });
  });
});

describe("where spools are", () => {
  const stage = (make: (path: string) => void) => {
    const runtime = join(root, `runtime-${Math.random()}`);
    mkdirSync(runtime, { mode: 0o700 });
    const state = join(runtime, "state");
    make(join(runtime, "octrace"));
    const found = spoolRoot({ XDG_RUNTIME_DIR: runtime, XDG_STATE_HOME: state, HOME: runtime });
    return { found, wanted: join(runtime, "octrace") };
  };

  test("in the runtime folder, made by us", () => {
    const { found, wanted } = stage(() => {});
    expect(found).toBe(wanted);
    expect(lstatSync(wanted).mode & 0o777).toBe(0o700);
  });

  test("never behind a link, in a file, or where others can look", () => {
    for (const make of [
      (path: string) => symlinkSync(temporaryFolder(), path),
      (path: string) => Bun.write(path, ""),
      (path: string) => (mkdirSync(path), chmodSync(path, 0o750)),
    ]) {
      const { found, wanted } = stage((path) => void make(path));
      expect(found).not.toBe(wanted);
      expect(found).toBeDefined();
    }
  });

  test("not in a runtime folder that is relative, missing or a link", () => {
    const link = join(root, `link-${Math.random()}`);
    symlinkSync(temporaryFolder(), link);
    for (const runtime of ["tmp", join(root, "missing"), link]) {
      expect(spoolRoot({ XDG_RUNTIME_DIR: runtime, HOME: root })).not.toStartWith(runtime);
    }
  });
});

describe("a recording", () => {
  const here = world();

  test("cuts long bodies into frames and marks the last", () => {
    const recording = new Recording();
    const body = Buffer.alloc((9 << 20) + 1, "ab");
    expect(recording.body(Kind.RequestBody, 1, body)).toBe(true);
    const frames = here.frames().filter(({ kind }) => kind === Kind.RequestBody);
    expect(frames.map(({ flags, payload }) => [flags, payload.length])).toEqual([
      [0, 4 << 20],
      [0, 4 << 20],
      [FLAG_LAST, (1 << 20) + 1],
    ]);
    expect(Buffer.concat(frames.map(({ payload }) => payload)).equals(body)).toBe(true);
  });

  test("a credential is gone even where a long body is cut", () => {
    const recording = new Recording();
    recording.learn(["border-credential-0001"], "scrub");
    const body = Buffer.alloc(6 << 20, ".");
    body.write("border-credential-0001", (4 << 20) - 5);
    recording.body(Kind.RequestBody, 1, body);
    const text = Buffer.concat(here.frames().filter(({ kind }) => kind === Kind.RequestBody).map((f) => f.payload));
    expect(text.includes("credential")).toBe(false);
    expect(text.includes("[REDACTED]")).toBe(true);
  });

  test("its hello has a print of every credential, later ones follow, and no value is written", () => {
    process.env["TEST_API_KEY"] = "env-credential-0001";
    mkdirSync(join(here.runtime(), "data/opencode"), { recursive: true });
    writeFileSync(
      join(here.runtime(), "data/opencode/auth.json"),
      JSON.stringify({ anthropic: { type: "api", key: "file-credential-0002" } }),
    );
    const recording = new Recording();
    recording.learn(["early-credential-0003"]);
    recording.join({ directory: "/d", worktree: "/w", project: { id: "p" } });
    recording.document(Kind.Hook, { hook: "x", input: "early" });
    recording.learn(["late-credential-00004"], "scrub");
    recording.learn(["late-credential-00004"], "scrub");
    recording.document(Kind.Hook, { hook: "x", input: "late-credential-00004" });

    const frames = here.frames();
    expect(frames.map(({ kind }) => kind)).toEqual([Kind.Hello, Kind.Instance, Kind.Hook, Kind.Secrets, Kind.Hook]);
    const hello = json(frames[0]);
    expect(hello).toMatchObject({ format: 1, pid: process.pid, cwd: process.cwd() });
    const lengths = hello.secrets.map((print: { length: number }) => print.length);
    for (const length of [19, 20, 21]) expect(lengths).toContain(length);
    expect(json(frames[3]).secrets).toHaveLength(1);
    const all = Buffer.concat(frames.map(({ payload }) => payload)).toString();
    expect(all).not.toContain("credential-");
  });

  test("goes on in a new folder once its recorder ends because somebody has deleted the old one", async () => {
    const started = join(here.folder, "started");
    const body = `touch ${started}; while [ -d "$2" ]; do sleep 0.01; done`;
    process.env["OCTRACE_BIN"] = here.script("ends-without-folder", body);
    const recording = new Recording();
    recording.document(Kind.Event, { n: 1 });
    const [folder] = here.spools();
    await until("its recorder runs", () => existsSync(started));
    rmSync(folder!, { recursive: true });
    await until("a new folder has what comes", () => {
      recording.document(Kind.Event, { n: 2 });
      return existsSync(folder!);
    });
    expect(here.frames().slice(0, 2).map(({ kind }) => kind)).toEqual([Kind.Hello, Kind.Event]);
    expect(lstatSync(folder!).mode & 0o777).toBe(0o700);
  });

  test("goes on elsewhere when the place for spools is gone, as after a logout", async () => {
    const started = join(here.folder, "started-elsewhere");
    const body = `echo "$2" >> ${started}; while [ -d "$2" ]; do sleep 0.01; done`;
    process.env["OCTRACE_BIN"] = here.script("says-where", body);
    const recording = new Recording();
    recording.document(Kind.Event, { n: 1 });
    await until("its recorder runs", () => existsSync(started));
    const elsewhere = temporaryFolder();
    process.env["XDG_RUNTIME_DIR"] = elsewhere;
    rmSync(here.runtime(), { recursive: true });
    const spools = () => (existsSync(join(elsewhere, "octrace")) ? readdirSync(join(elsewhere, "octrace")) : []);
    await until("the other place has what comes", () => {
      recording.document(Kind.Event, { n: 2 });
      return spools().length > 0;
    });
    const folder = join(elsewhere, "octrace", spools()[0]!);
    expect(kinds(folder).slice(0, 2)).toEqual([Kind.Hello, Kind.Event]);
    await until("a recorder reads it", () => readFileSync(started, "utf8").includes(folder));
  });

  test.each([1, 40])("what stands in %d configurations is known before anything else is written", (count) => {
    const recording = new Recording();
    recording.document(Kind.Event, { n: 0 });
    const values = Array.from({ length: count }, (_, i) => `configured-credential-${i}!`);
    for (const apiKey of values) recording.learnFrom({ name: "p", apiKey }, "scrub");
    recording.body(Kind.RequestBody, 1, `the keys are ${values.join(" and ")}`);
    recording.learnFrom({ apiKey: values[0] }, "scrub");
    recording.document(Kind.Event, { values });

    const frames = here.frames();
    const secrets = frames.filter(({ kind }) => kind === Kind.Secrets).flatMap((frame) => json(frame).secrets);
    expect(secrets.map(({ length }: { length: number }) => length)).toEqual(values.map(({ length }) => length));
    expect(Buffer.concat(frames.map(({ payload }) => payload)).toString()).not.toContain("credential");
    expect(frames.slice(-2).map(({ kind }) => kind)).toEqual([Kind.RequestBody, Kind.Event]);
  });

  test("half a character is replaced: strict readers refuse its escape", () => {
    const recording = new Recording();
    recording.document(Kind.Event, { title: `cut ${"😀".slice(0, 1)}…`, path: "C:\\ud83d", whole: "😀" });
    const [event] = here.frames().filter(({ kind }) => kind === Kind.Event);
    expect(event!.payload.toString()).toBe('{"title":"cut \ufffd…","path":"C:\\\\ud83d","whole":"😀"}');
  });

  test("a document that cannot be made to fit is counted as lost", () => {
    const recording = new Recording();
    recording.document(Kind.Event, { many: Array.from({ length: 1 << 20 }, () => "12345") });
    recording.document(Kind.Event, { few: 1 });
    const gaps = here.frames().filter(({ kind }) => kind === Kind.Gap);
    expect(gaps.map(json)).toEqual([{ frames: 1, bytes: 4 << 20, reason: "bound" }]);
  });

  test("a document that is too large loses the ends of its strings, not itself", () => {
    const recording = new Recording();
    recording.document(Kind.Event, { directory: "/d", event: { type: "x", output: "y".repeat(5 << 20) } });
    const event = here.frames().at(-1);
    expect(event).toMatchObject({ kind: Kind.Event, flags: 1 });
    expect(json(event).event.type).toBe("x");
  });

  test("without a safe place there is none, and nothing complains", () => {
    process.env["XDG_RUNTIME_DIR"] = "/proc/self/no";
    process.env["XDG_STATE_HOME"] = "/proc/self/no";
    const getuid = process.getuid!;
    process.getuid = () => 54321;
    try {
      const recording = new Recording();
      recording.join({ directory: "/d", worktree: "/d" });
      expect(recording.isOn()).toBe(false);
      expect(recording.body(Kind.RequestBody, 1, HELLO)).toBe(false);
      recording.document(Kind.Event, {});
    } finally {
      process.getuid = getuid;
      rmSync("/dev/shm/octrace-54321", { recursive: true, force: true });
    }
  });
});
