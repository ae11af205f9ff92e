/** Which events of OpenCode are kept, and which are noise. */

import { expect, test } from "bun:test";
import { EventFilter, type OpenCodeEvent } from "../events.ts";

const part = (part: object): OpenCodeEvent => ({ id: "evt_1", type: "message.part.updated", properties: { part } });
const keeps = (filter: EventFilter, event: OpenCodeEvent) => filter.keep(event) !== undefined;

test("noise is dropped, the unknown is kept as it is", () => {
  const filter = new EventFilter();
  for (const type of ["plugin.added", "catalog.updated", "integration.updated", "reference.updated", "message.part.delta", "file.watcher.updated", "tui.toast.show"]) {
    expect(filter.keep({ type, properties: {} })).toBeUndefined();
  }
  for (const type of ["session.created", "permission.asked", "todo.updated", "invented.yesterday"]) {
    const event = { id: "evt_1", type, properties: { a: 1 } };
    expect(filter.keep(event)).toBe(event);
  }
  expect(keeps(filter, { type: "message.part.updated" })).toBe(true);
});

test("of a tool: the first sign of running, the sub-agent's session, and how it ended", () => {
  const filter = new EventFilter();
  const tool = (status: string, metadata?: object) => part({ id: "prt_1", type: "tool", state: { status, metadata } });
  expect(keeps(filter, tool("pending"))).toBe(false);
  expect(keeps(filter, tool("running"))).toBe(true);
  expect(keeps(filter, tool("running", { output: "more" }))).toBe(false);
  expect(keeps(filter, tool("running", { sessionId: "ses_2" }))).toBe(true);
  expect(keeps(filter, tool("running", { sessionId: "ses_2" }))).toBe(false);
  expect(keeps(filter, tool("completed"))).toBe(true);
  expect(keeps(filter, tool("error"))).toBe(true);
});

test("of text: a user's, and a model's when it is complete", () => {
  const filter = new EventFilter();
  expect(keeps(filter, part({ id: "1", type: "text", text: "prompt" }))).toBe(true);
  expect(keeps(filter, part({ id: "2", type: "text", text: "", time: { start: 1 } }))).toBe(false);
  expect(keeps(filter, part({ id: "2", type: "text", text: "all", time: { start: 1, end: 2 } }))).toBe(true);
  expect(keeps(filter, part({ id: "3", type: "reasoning", text: "", time: { start: 1 } }))).toBe(false);
  expect(keeps(filter, part({ id: "4", type: "step-finish" }))).toBe(true);
});

test("errors lose the response's headers and nothing else, and OpenCode's object stays whole", () => {
  const filter = new EventFilter();
  const error = { name: "APIError", data: { message: "no", responseHeaders: { "set-cookie": "c" }, responseBody: "b" } };
  const events = [
    { type: "session.error", properties: { sessionID: "s", error } },
    { type: "message.updated", properties: { info: { id: "m", error } } },
  ];
  for (const event of events) {
    const kept = JSON.stringify(filter.keep(event));
    expect(kept).not.toContain("set-cookie");
    expect(kept).toContain('"responseBody":"b"');
    expect(JSON.stringify(event)).toContain("set-cookie");
  }
});
