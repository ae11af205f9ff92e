/**
 * The recording of this process: its spool, its recorder, and what all frames have in common.
 *
 * OpenCode waits for a plugin's initialisation, so nothing happens there: the spool is made when the
 * first frame is due, or a moment later. If there is no safe place for it, nothing is recorded.
 */

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { FLAG_CUT, FLAG_LAST, Kind, lengthOf, MAX_PAYLOAD, VERSION, type Moment } from "./frame.ts";
import { late } from "./late.ts";
import { randomHex } from "./random.ts";
import type { Credentials, SecretPrint } from "./secrets.ts";
import type { Spool } from "./spool.ts";

/** The plugin's version, as in package.json. */
export const PLUGIN_VERSION = "0.1.0";

/** If no frame is due before, the spool is made after this many milliseconds. */
const OPEN_AFTER = 20;

/** What we need of OpenCode's `PluginInput`. */
export interface Instance {
  directory: string;
  worktree: string;
  project?: { id?: string };
}

/** As in `octrace-wire`'s `Diagnostic`. */
export interface Diagnostic {
  event: "install.start" | "install.patched" | "fetch.seen" | "fetch.traced" | "fetch.skipped";
  method?: string;
  host?: string;
  reason?: string;
  count?: number;
}

/** Not only is the recorder to look for it, it is taken out before anything is written. */
type Scrub = "scrub" | undefined;

/** Diagnostics that are kept until there is a spool. */
const EARLY = 64;

/** So many things with credentials in them wait to be looked through. */
const UNREAD = 16;

/**
 * The options beside the plugin's name in OpenCode's configuration that the recorder knows; none is secret. Of others
 * it gets the name, so that it can say that they have no effect.
 */
const OPTIONS = [
  "dir",
  "redactPatterns",
  "enable",
  "flushInterval",
  "sessionPathPrefix",
  "maxSpoolSize",
  "maxSpoolAge",
  "maxRetries",
  "retryBaseDelay",
  "spoolDirectory",
];

const EMPTY = new Uint8Array();
const LINE_FEED = Uint8Array.of(10);

export class Recording {
  /** For requests that nothing ties to a session. */
  readonly fallbackSession = `run_${process.pid}_${randomHex(6)}`;
  #known: Credentials | undefined;
  #spool: Spool | undefined;
  #home = "";
  #state: "new" | "on" | "off" = "new";
  #instances = new Set<Instance>();
  /** Was due before there was a spool. */
  #waiting: (() => void)[] = [];
  #last: (() => void)[] = [];
  /** Is to be written as soon as what was just sent is on its way. */
  #soon: (() => void)[] = [];
  #isDiagnosing = !isOff(process.env["OPENCODE_API_TRACER_DEBUG"]);
  /** Of all credentials known so far. */
  #prints: SecretPrint[] = [];
  /** Has credentials in it that are not known yet; they are to be scrubbed, or not. */
  #unread = new Map<unknown, Scrub>();
  #exchanges = 0;

  /** An instance begins, with the options that it was given. */
  join(instance: Instance, options?: { [name: string]: unknown }): void {
    this.#instances.add(instance);
    const announce = () => this.#announce(instance, options);
    if (this.#state !== "new") return announce();
    this.#waiting.push(announce);
    setTimeout(() => this.isOn(), OPEN_AFTER).unref();
  }

  /**
   * Notes what the plugin decided, unless that is not wanted; `false` where there is no room. Makes no spool for
   * it: one will be there soon.
   */
  diagnose(diagnostic: Diagnostic, exchange = 0): boolean {
    if (!this.#isDiagnosing) return true;
    const note = () => this.document(Kind.Diagnostic, diagnostic, exchange);
    if (this.#state !== "new") return note();
    return this.#waiting.length < EARLY && this.#waiting.push(note) > 0;
  }

  /** An instance ends; with the last one, OpenCode ends too, as far as we can know. */
  leave(instance: Instance): void {
    if (!this.#instances.delete(instance) || this.#instances.size > 0) return;
    if (!this.isOn()) return;
    for (const write of this.#last) write();
    this.document(Kind.Bye, {});
  }

  /** Before the end is said, `write` is called. */
  atEnd(write: () => void): void {
    this.#last.push(write);
  }

  /** Whether anything can be recorded; makes the spool. Never throws. */
  isOn(): boolean {
    if (this.#state === "new") {
      this.#state = "off";
      try {
        this.#open();
      } catch {
        this.#spool = undefined;
        this.#state = "off";
      }
    }
    return this.#state === "on";
  }

  /** Where the spool is at this moment, and the recorder's status in it; empty where there is none. */
  get folder(): string {
    return this.#spool?.folder ?? "";
  }

  nextExchange(): number {
    return ++this.#exchanges;
  }

  /** Credentials that must not be found in the recording; `scrub`: nor in the spool. */
  learn(values: string[], scrub?: Scrub): void {
    if (values.length === 0) return;
    const prints = this.#credentials.learn(values, scrub !== undefined);
    if (prints.length === 0) return;
    this.#prints.push(...prints);
    if (this.#state === "on") this.document(Kind.Secrets, { secrets: prints });
  }

  /**
   * The same for the credentials in a piece of OpenCode's configuration. It is looked through before
   * anything else is written, and not now: OpenCode waits.
   */
  learnFrom(configuration: unknown, scrub?: Scrub): void {
    this.#unread.set(configuration, scrub ?? this.#unread.get(configuration));
    if (this.#unread.size > UNREAD) this.#read();
  }

  /**
   * Calls `write` within a millisecond or two, or right before anything else is written: what it writes is in the spool
   * before whatever comes of it. To be called when a request was sent. For the system may leave Bun's HTTP thread, which
   * sends it, on this thread's core, and then the request leaves only when this thread rests.
   */
  soon(write: () => void): void {
    if (this.#soon.push(write) === 1) setTimeout(() => this.#catchUp(), 0);
  }

  #catchUp(): void {
    const due = this.#soon;
    if (due.length === 0) return;
    this.#soon = [];
    for (const write of due) {
      try {
        write();
      } catch {
        // It goes unrecorded, and nothing else.
      }
    }
  }

  /** Made when there is something to know or to write. */
  get #credentials(): Credentials {
    return (this.#known ??= new (late().Credentials)());
  }

  #read(): void {
    const unread = [...this.#unread];
    this.#unread.clear();
    for (const [configuration, scrub] of unread) this.learn(late().credentialsIn(configuration), scrub);
  }

  /** Where to write; everything that must not be written is known then. `undefined`: nothing is recorded. */
  #place(): Spool | undefined {
    if (!this.isOn()) return undefined;
    this.#catchUp();
    if (this.#unread.size > 0) this.#read();
    return this.#spool;
  }

  /** Writes a JSON frame of now, or of the moment that is given; `false` if it was dropped. */
  document(kind: Kind, value: object, exchange = 0, at?: Moment): boolean {
    const spool = this.#place();
    if (!spool) return false;
    const document = late().toDocument(value);
    if (!document) {
      spool.drop(MAX_PAYLOAD);
      return false;
    }
    const bytes = this.#credentials.clean(document.bytes);
    return spool.write(kind, bytes, { exchange, flags: document.cut ? FLAG_CUT : 0, at });
  }

  /** Writes what was seen of a file, with its bytes where they are to be kept; `false` if it was dropped. */
  file(about: object, content = EMPTY): boolean {
    const spool = this.#place();
    if (!spool) return false;
    const bytes = this.#credentials.clean(content);
    const document = late().toDocument({ ...about, blanked: bytes !== content });
    if (!document) return false;
    const payload = [this.#credentials.clean(document.bytes), LINE_FEED, bytes];
    // What stands for a credential may be longer than it.
    return lengthOf(payload) <= MAX_PAYLOAD && spool.write(Kind.File, payload);
  }

  /** Writes what a body has, in several frames if need be; `false` if any was dropped. */
  body(kind: Kind, exchange: number, content: Uint8Array | string): boolean {
    const spool = this.#place();
    if (!spool) return false;
    const clean = this.#credentials.clean(typeof content === "string" ? late().utf8(content) : content);
    const isRequest = kind === Kind.RequestBody;
    for (let at = 0; at < clean.length; at += MAX_PAYLOAD) {
      const isLast = at + MAX_PAYLOAD >= clean.length;
      const part = at === 0 && isLast ? clean : clean.subarray(at, at + MAX_PAYLOAD);
      if (spool.write(kind, part, { exchange, flags: isRequest && isLast ? FLAG_LAST : 0 })) continue;
      // No holes: what is there is the body's begin.
      if (!isLast) spool.drop(clean.length - at - part.length);
      if (isRequest) spool.write(kind, EMPTY, { exchange, flags: FLAG_CUT | FLAG_LAST });
      return false;
    }
    return true;
  }

  #open(): void {
    const { Recorder, Spool, spoolRoot } = late();
    const root = spoolRoot();
    if (!root) return;
    this.#home = tapeFolder();
    this.#read();
    this.#prints.push(...this.#credentials.learn(knownCredentials(), false));
    const spool = new Spool(root, () => this.#hello());
    this.#spool = spool;
    this.#state = "on";
    for (const write of this.#waiting) write();
    this.#waiting = [];
    setImmediate(() => new Recorder(spool, this.#home).start());
  }

  #hello(): Uint8Array {
    const hello = {
      format: VERSION,
      plugin: PLUGIN_VERSION,
      pid: process.pid,
      process_start: processStart(),
      boot: readText("/proc/sys/kernel/random/boot_id").trim(),
      cwd: workingFolder(),
      home: this.#home,
      run: process.env["OCTRACE_RUN"] ?? "",
      settings: late().settings(join(dataFolder(), "opencode")),
      secrets: this.#prints,
      salt: Buffer.from(this.#credentials.salt).toString("hex"),
    };
    return this.#credentials.clean(Buffer.from(JSON.stringify(hello)));
  }

  #announce({ directory, worktree, project }: Instance, given: { [name: string]: unknown } | undefined): void {
    const names = Object.keys(given ?? {}).filter((name) => /^[\w.-]{1,64}$/.test(name));
    const options = Object.fromEntries(names.map((name) => [name, OPTIONS.includes(name) ? given?.[name] : null]));
    this.document(Kind.Instance, { directory, worktree, project: project?.id ?? "", options });
  }
}

/** Whether a switch in the environment says no. */
export function isOff(value: string | undefined): boolean {
  return /^(0|false|off|no)$/i.test(value ?? "");
}

/** The user's data folder, by the XDG rules, on macOS too. */
function dataFolder(env = process.env): string {
  return env["XDG_DATA_HOME"] || join(env["HOME"] || homedir(), ".local/share");
}

/** Where the tape is that this recording is for. The recorder passes over a relative path, too. */
function tapeFolder(): string {
  const set = process.env["OCTRACE_HOME"] ?? "";
  if (isAbsolute(set)) return set;
  try {
    return late().installed("home") ?? defaultHome();
  } catch {
    return defaultHome();
  }
}

function defaultHome(): string {
  return join(dataFolder(), "octrace");
}

/** What OpenCode has in its credential files and its environment. */
function knownCredentials(env = process.env): string[] {
  const { backendCredentials, credentialsIn, credentialsInEnv } = late();
  const data = join(dataFolder(env), "opencode");
  return [
    ...credentialsInEnv(env),
    ...backendCredentials(env),
    ...credentialsIn(parsed(env["OPENCODE_AUTH_CONTENT"] ?? "")),
    ...credentialsIn(parsed(readText(join(data, "auth.json")))),
    ...credentialsIn(parsed(readText(join(data, "mcp-auth.json")))),
  ];
}

/** Field 22 of `/proc/self/stat`; the name in field 2 may contain anything, so count from its end. */
function processStart(): string {
  const stat = readText("/proc/self/stat");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return "";
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
