/** `/intercept`: from what is typed to the answer, and what later models see of it. */

import { beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, canAnswer } from "../answer.ts";
import { CALL_HEADER, Calls } from "../calls.ts";
import { MARK, forget, withoutReplies, type Message, type Part } from "../forget.ts";
import { Kind } from "../frame.ts";
import { registerIntercept } from "../hooks.ts";
import { Intercept } from "../intercept.ts";
import { Recording } from "../recording.ts";
import { isReply, standing } from "../standing.ts";
import { tap } from "../tap.ts";
import { json } from "./read_spool.ts";
import { until, world } from "./world.ts";

const here = world();
let recording: Recording;
let intercept: Intercept;
let real: string[];

beforeEach(() => {
  recording = new Recording();
  intercept = new Intercept(recording);
  real = [];
  const original = async (_: unknown, init?: RequestInit) => {
    real.push(String(init?.body));
    return new Response("from a model");
  };
  globalThis.fetch = Object.assign(original, { preconnect: globalThis.fetch.preconnect }) as typeof fetch;
});

/** A recorder that has come to every question in the spool so far. */
function publish(more: object = {}): void {
  const asked = here.frames().filter(({ kind }) => kind === Kind.Intercept).map(json);
  const { token } = asked.at(-1) ?? { token: "" };
  const counts = { enabled: true, root: "/tmp/opencode-interceptor/ses_1", captures: 3, total_bytes: 4096, anomalies: 0 };
  const status = { intercept: { token, ...counts, latest_phase: "", latest_message: "", ...more } };
  writeFileSync(join(here.spools()[0] ?? "", ".status"), JSON.stringify(status));
}

const asked = () => here.frames().filter(({ kind }) => kind === Kind.Intercept).length;

/** Types a command; gives its message as OpenCode stores it. */
function type(typed: string, id: string, session = "ses_1"): Message {
  const parts: Part[] = [{ type: "text", text: "whatever the template gave" }];
  intercept.expand(typed, parts);
  intercept.received(session, { id }, parts);
  return { info: { id, role: "user" }, parts: structuredClone(parts) };
}

const user = (id: string, text = "Hello"): Message => ({ info: { id, role: "user" }, parts: [{ type: "text", text }] });
const assistant = (id: string, parentID: string, text: string, finish = "stop"): Message => ({
  info: { id, role: "assistant", parentID, finish },
  parts: [{ type: "text", text }],
});
const REPLY = [
  "## Interceptor Enabled",
  "",
  "- Enabled: enabled",
  "- Dump root: /tmp/opencode-interceptor/ses_1",
  "- Captures: 3",
  "- Total bytes: 4096",
  "- Anomalies: 0",
  "- Latest anomaly phase: none",
  "- Latest anomaly message: none",
].join("\n");

describe("the reply", () => {
  test("once the recorder has come to the question, in seven lines", async () => {
    const reply = standing(recording, "on", "ses_1");
    await until("the question", () => asked() === 1);
    publish();
    expect(await reply).toBe(REPLY);
    expect(json(here.frames().find(({ kind }) => kind === Kind.Intercept))).toMatchObject({ action: "on", session: "ses_1" });
  });

  test("to two at once, each with its own session and action", async () => {
    const replies = [standing(recording, "on", "ses_1"), standing(recording, "off", "ses_2")];
    await until("both questions", () => asked() === 2);
    publish({ enabled: false, root: "/tmp/opencode-interceptor/ses_2" });
    const [one, two] = await Promise.all(replies);
    expect(one).toStartWith("## Interceptor Enabled\n\n- Enabled: enabled\n- Dump root: /tmp/opencode-interceptor/ses_1\n");
    expect(two).toStartWith("## Interceptor Disabled\n\n- Enabled: disabled\n- Dump root: /tmp/opencode-interceptor/ses_2\n");
  });

  test("when the recorder is behind, with its last counts, and saying so", async () => {
    recording.isOn();
    publish({ enabled: false, captures: 7 });
    const text = await standing(recording, "status", "ses_1", undefined, 30);
    expect(text).toContain("- Captures: 7\n");
    expect(text).toContain("- Enabled: disabled\n");
    expect(text).toEndWith("it has not come to this command yet. The counts are the last that it told.");
  });

  test("when nothing is recorded", async () => {
    const off = new Proxy(recording, { get: (_, name) => (name === "isOn" ? () => false : undefined) });
    const text = await standing(off, "on", "ses_1");
    expect(text).toStartWith("## Interceptor Status\n\n- Enabled: disabled\n");
    expect(text).toContain("octrace is not recording");
  });

  test("on one line each, whatever happened", async () => {
    const reply = standing(recording, "usage", "ses_1");
    await until("the question", () => asked() === 1);
    publish({ anomalies: 1, latest_phase: "capture/dump-write", latest_message: "no\nroom \u001b[31mleft\u2028." });
    const text = await reply;
    expect(text).toStartWith("## Interceptor Usage\n\n- `/intercept`: ");
    expect(text).toEndWith("- Anomalies: 1\n- Latest anomaly phase: capture/dump-write\n- Latest anomaly message: no room  [31mleft .");
  });

  test("no longer when the user has given up", async () => {
    const controller = new AbortController();
    const reply = standing(recording, "on", "ses_1", controller.signal).catch((error: Error) => error.name);
    controller.abort();
    expect(await reply).toBe("AbortError");
  });
});

describe("a command", () => {
  test("is any form of the word, with any blanks and case", async () => {
    const actions = ["", "on", " OFF ", "Status", "on off", "bogus"].map((typed, index) => {
      type(typed, `msg_${index}`);
      return intercept.waiting(`msg_${index}`)?.action;
    });
    expect(actions).toEqual(["status", "on", "off", "usage", "usage", "usage"]);
  });

  test("is told by its mark alone", () => {
    intercept.received("ses_1", { id: "msg_1" }, [{ type: "text", text: "/intercept on" }]);
    intercept.received("ses_1", { id: "msg_2" }, [{ type: "text", text: "hi", metadata: { octrace: "other" } }]);
    expect([intercept.waiting("msg_1"), intercept.waiting("msg_2"), intercept.waiting(undefined)]).toEqual([undefined, undefined, undefined]);
  });

  test("leaves a command of the user's alone", () => {
    const own = { command: { intercept: { template: "mine" } } };
    expect(registerIntercept(own)).toBe(false);
    expect(own.command.intercept).toEqual({ template: "mine" });
    const config = {} as { command?: Record<string, { template: string }> };
    expect([registerIntercept(config), registerIntercept(config)]).toEqual([true, true]);
    expect(config.command?.["intercept"]?.template).toBe("/intercept $ARGUMENTS");
  });

  test("is answered by the tap, once, and is no exchange", async () => {
    const calls = new Calls();
    tap(recording, calls, () => intercept);
    type("on", "msg_1");
    const call = { session: "ses_1", directory: "/d", message: "msg_1", agent: "build", provider: "p", model: "m", npm: "n", price: null };
    const token = calls.add({ ...call, command: intercept.waiting("msg_1") });
    const body = JSON.stringify({ model: "m", stream: true, messages: [] });
    const answered = fetch("http://h/v1/chat/completions", { method: "POST", headers: { [CALL_HEADER]: token }, body });
    await until("the question", () => asked() === 1);
    publish();
    expect(await (await answered).text()).toContain("## Interceptor Enabled");
    expect(intercept.waiting("msg_1")).toBeUndefined();
    expect(real).toEqual([]);
    expect(here.frames().some(({ kind }) => kind === Kind.Request)).toBe(false);
  });

  test("that another message overtook is carried out all the same", async () => {
    const command = type("on", "msg_1");
    intercept.forget([command, user("msg_2")]);
    await until("the question", () => asked() === 1);
    expect(intercept.waiting("msg_1")).toBeUndefined();
  });

  test("in the middle of a turn lets it go on", () => {
    const status = (type: string) => ({ type: "session.status", properties: { sessionID: "ses_1", status: { type } } });
    const at = (history: Message[], id: string) => {
      intercept.forget([...history, type("on", id)]);
      return intercept.waiting(id)?.goesOn;
    };
    const working = [user("msg_1"), assistant("msg_2", "msg_1", "Let me see.", "tool-calls")];
    expect(at(working, "msg_3")).toBe(false);
    intercept.event(status("busy"));
    expect([at(working, "msg_4"), at([user("msg_1")], "msg_5"), at([], "msg_6")]).toEqual([true, true, false]);
    expect(at([user("msg_1"), assistant("msg_2", "msg_1", "Done.")], "msg_7")).toBe(false);
    const unread = assistant("msg_2", "msg_1", "", "stop");
    unread.parts.push({ type: "tool", state: { status: "completed" } });
    expect(at([user("msg_1"), unread], "msg_8")).toBe(true);
    intercept.event(status("idle"));
    expect(at(working, "msg_9")).toBe(false);
  });

  test("in the middle of a turn leaves the request as it would be without it", () => {
    intercept.event({ type: "session.status", properties: { sessionID: "ses_1", status: { type: "busy" } } });
    const messages = [user("msg_1"), assistant("msg_2", "msg_1", "Let me see.", "tool-calls"), type("on", "msg_3")];
    messages.at(-1)?.parts.push({ type: "text", text: "You are in plan mode.", synthetic: true });
    intercept.forget(messages);
    expect(messages.map(({ info }) => info.id)).toEqual(["msg_1", "msg_2"]);
    expect(messages[0]?.parts.map(({ text }) => text)).toEqual(["Hello", "You are in plan mode."]);
    expect(intercept.waiting("msg_3")?.goesOn).toBe(true);
  });

  test("in the middle of a turn goes on as the turn began", () => {
    const event = (type: string, properties: object) => intercept.event({ type, properties });
    const updated = (id: string, agent: string) =>
      event("message.updated", { info: { id, sessionID: "ses_1", role: "user", agent, model: "m", format: { type: "json_schema" } } });
    const typed = () => {
      const message = { id: "msg_9", agent: "build", model: "other" };
      const parts: Part[] = [];
      intercept.expand("on", parts);
      intercept.received("ses_1", message, parts);
      return message as object;
    };
    updated("msg_2", "plan");
    updated("msg_1", "build");
    expect(typed()).toEqual({ id: "msg_9", agent: "build", model: "other" });
    event("session.status", { sessionID: "ses_1", status: { type: "busy" } });
    expect(typed()).toEqual({ id: "msg_9", agent: "plan", model: "m", format: { type: "json_schema" } });
  });

  test("beside a prompt whose turn has not begun lets it begin", () => {
    const prompted = (id: string, created: number) => {
      intercept.received("ses_1", { id, time: { created } }, [{ type: "text", text: "Hello" }]);
      intercept.forget([user(id), type("on", `${id}_typed`)]);
      return intercept.waiting(`${id}_typed`)?.goesOn;
    };
    expect([prompted("msg_1", Date.now() - 60_000), prompted("msg_2", Date.now())]).toEqual([false, true]);
  });

  test("is not answered by the model that sums the session up, but carried out", async () => {
    const messages = [user("msg_1"), assistant("msg_2", "msg_1", "Done."), type("on", "msg_3")];
    for (const { info } of messages) info.sessionID = "ses_1";
    intercept.compacting("ses_1");
    intercept.forget(messages);
    await until("the question", () => asked() === 1);
    expect(messages.map(({ info }) => info.id)).toEqual(["msg_1", "msg_2"]);
    expect(messages.flatMap(({ parts }) => parts)).toHaveLength(2);
  });
});

describe("what a model sees later", () => {
  const stored = (id: string): Message => ({ info: { id, role: "user" }, parts: [{ type: "text", text: "/intercept on", metadata: MARK }] });

  const left = (messages: Message[]) => {
    const gone = forget(messages);
    return { gone, left: messages.map(({ info }) => info.id) };
  };

  test("has neither command nor reply, also where only half of it is in view", () => {
    const givenUp = assistant("msg_4", "msg_3", "");
    givenUp.info.error = { name: "MessageAbortedError" };
    const messages = [
      assistant("msg_01", "msg_00", REPLY),
      user("msg_1"),
      assistant("msg_2", "msg_1", "Hi."),
      stored("msg_3"),
      givenUp,
      stored("msg_5"),
      assistant("msg_6", "msg_5", REPLY),
      user("msg_7"),
    ];
    expect(left(messages)).toEqual({ gone: ["msg_3", "msg_5"], left: ["msg_1", "msg_2", "msg_7"] });
  });

  test("has all of a turn in which the command was typed", () => {
    const step = (id: string, parentID: string): Message => ({
      info: { id, role: "assistant", parentID, finish: "tool-calls" },
      parts: [{ type: "step-start" }, { type: "tool", state: { status: "completed" } }],
    });
    const messages = [
      user("msg_1"),
      step("msg_2", "msg_1"),
      stored("msg_3"),
      assistant("msg_4", "msg_3", REPLY, "unknown"),
      step("msg_5", "msg_3"),
      stored("msg_6"),
      assistant("msg_7", "msg_6", REPLY, "unknown"),
      step("msg_8", "msg_6"),
      assistant("msg_9", "msg_6", "Done."),
    ];
    expect(left(messages).left).toEqual(["msg_1", "msg_2", "msg_5", "msg_8", "msg_9"]);
  });

  test("keeps what only talks about it, or answers somebody else", () => {
    const messages = [
      stored("msg_0"),
      user("msg_1", "/intercept on"),
      assistant("msg_2", "msg_1", REPLY),
      assistant("msg_3", "msg_0", `The answer is\n\n${REPLY}`),
      assistant("msg_4", "msg_0", `${REPLY}\n\nThat is how it stands.`),
      assistant("msg_5", "msg_0", "## Interceptor Status\n\n- The interceptor is a class.\n- It has tests."),
      { ...assistant("msg_6", "msg_0", ""), parts: [{ type: "tool" }, { type: "text", text: REPLY }] },
      { ...assistant("msg_7", "msg_0", ""), parts: [{ type: "reasoning", text: "Hm." }, { type: "text", text: REPLY }] },
      { ...assistant("msg_8", "msg_0", ""), parts: [{ type: "text", text: REPLY }, { type: "text", text: "Well." }] },
      assistant("msg_9", "msg_0", REPLY),
    ];
    Object.assign(messages.at(-1)?.info ?? {}, { tokens: { input: 900, output: 20 } });
    expect(left(messages)).toEqual({ gone: ["msg_0"], left: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((id) => `msg_${id}`) });
  });

  test("keeps what OpenCode adds to the command, in the prompt beside it", () => {
    const reminded = stored("msg_1");
    reminded.parts.push({ type: "text", text: "Plan mode.", synthetic: true });
    const messages = [user("msg_0"), reminded, user("msg_2", "Plan it.")];
    left(messages);
    expect(messages.map(({ parts }) => parts.map(({ text }) => text))).toEqual([["Hello"], ["Plan it.", "Plan mode."]]);
  });

  test("is the command itself while that is being answered", () => {
    const messages = [stored("msg_1"), type("on", "msg_2")];
    intercept.forget(messages);
    expect(messages.map(({ info, parts }) => [info.id, parts[0]?.ignored])).toEqual([["msg_2", false]]);
  });

  test.each([
    ["chat", { messages: [{ role: "user", content: "Title:" }, { role: "assistant", content: REPLY }, { role: "user", content: "Hi" }] }],
    ["responses", { input: [{ role: "user", content: [] }, { role: "assistant", id: "x", content: [{ type: "output_text", text: REPLY }] }] }],
    ["anthropic", { messages: [{ role: "user", content: [] }, { role: "assistant", content: [{ type: "text", text: REPLY }] }] }],
    ["gemini", { contents: [{ role: "user", parts: [] }, { role: "model", parts: [{ text: REPLY }] }] }],
  ])("has no reply in a title request: %s", (_, body) => {
    const without = withoutReplies(JSON.stringify(body)) ?? "";
    expect(without).not.toContain("Interceptor");
    expect(without).toContain('"user"');
    expect(withoutReplies(without)).toBeUndefined();
  });

  test("is otherwise byte for byte what OpenCode sends", async () => {
    const calls = new Calls();
    tap(recording, calls, () => intercept);
    const call = { session: "ses_1", directory: "/d", message: "msg_1", agent: "title", provider: "p", model: "m", npm: "n", price: null };
    const send = (body: string) =>
      fetch("http://h/v1/messages", { method: "POST", headers: { [CALL_HEADER]: calls.add(call) }, body });
    const prompt = '{ "messages": [{"role":"user","content":"what is ## Interceptor Enabled?"}] }';
    await send(prompt);
    await send(JSON.stringify({ messages: [{ role: "assistant", content: REPLY }] }));
    expect(real).toEqual([prompt, '{"messages":[]}']);
    const bodies = () => here.frames().filter(({ kind }) => kind === Kind.RequestBody);
    await until("both to be recorded", () => bodies().length > 1);
    expect(bodies().map(({ payload }) => payload.toString())).toEqual(real);
  });
});

describe("an answer", () => {
  const URLS = [
    ["https://h/v1/chat/completions", "stream"],
    ["https://r.openai.azure.com/openai/deployments/x/chat/completions?api-version=1", "stream"],
    ["https://h/v1/responses", "stream"],
    ["https://h/v1/messages?beta=true", "stream"],
    ["https://h/publishers/anthropic/models/c:streamRawPredict", "url"],
    ["https://h/v1beta/models/g:streamGenerateContent?alt=sse", "url"],
  ] as const;

  test.each(URLS)("is streamed: %s", async (url) => {
    const response = answer(url, '{"stream":true,"model":"m"}', { text: "a “text”\n\nof two", final: true });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
    const events = lines.map((line) => JSON.parse(line.slice(6)) as object);
    expect(JSON.stringify(events)).toContain(JSON.stringify("a “text”\n\nof two"));
    const finishes = /"finish_reason":"stop"|"response.completed"|"end_turn"|"finishReason":"STOP"/;
    expect(JSON.stringify(events)).toMatch(finishes);
    expect(await answer(url, '{"stream":true}', { text: "a", final: false }).text()).not.toMatch(finishes);
  });

  test.each(URLS.filter(([, by]) => by === "stream"))("is whole where that was asked for: %s", async (url) => {
    const whole = (await answer(url, "{}", { text: "a text", final: true }).json()) as object;
    expect(JSON.stringify(whole)).toContain('"a text"');
  });

  test("is whole: gemini", async () => {
    expect(await answer("https://h/models/g:generateContent", "{}", { text: "a", final: true }).json()).toMatchObject({
      candidates: [{ content: { parts: [{ text: "a" }] }, finishReason: "STOP" }],
    });
  });

  test("is an error that is not tried again, where the dialect is unknown", () => {
    expect(answer("https://h/v2/chat", "[", { text: "a", final: true }).status).toBe(400);
  });

  test("is possible for SDKs that speak a known dialect", () => {
    const can = ["@ai-sdk/openai-compatible", "@ai-sdk/google-vertex/anthropic", "@openrouter/ai-sdk-provider"];
    const cannot = ["@ai-sdk/amazon-bedrock", "@ai-sdk/cohere", "@ai-sdk/gateway", "somebody-elses", ""];
    expect([...can, ...cannot].filter(canAnswer)).toEqual(can);
  });
});

test("a reply is recognised by its whole text, whichever it is", async () => {
  const off = new Proxy(recording, { get: (_, name) => (name === "isOn" ? () => false : undefined) });
  recording.isOn();
  publish({ root: " /tmp/a (b)\n ", latest_phase: " ", latest_message: "no room\u2028 left \t" });
  for (const action of ["on", "off", "status", "usage"] as const) {
    const replies = [await standing(recording, action, "ses_1", undefined, 5), await standing(off, action, "ses_1")];
    const answered = standing(recording, action, "ses_1");
    publish({ latest_message: "\n" });
    replies.push(await answered);
    for (const reply of replies) {
      expect([reply, isReply(reply.trimEnd())]).toEqual([reply, true]);
      expect([`${reply}\n`, ` ${reply}`, reply.slice(0, 40)].map(isReply)).toEqual([false, false, false]);
    }
  }
});
