import { describe, expect, test } from "bun:test";
import { classify, type Reason } from "../model_request.ts";

interface Case {
  name: string;
  method?: string;
  url?: string;
  headers?: Record<string, string>;
  body?: string;
  marked?: boolean;
  strict?: boolean;
  expect: "traced" | Reason;
}

const KEY = { authorization: "Bearer x" };
const CASES: Case[] = [
  // Marks: whatever the rest says.
  { name: "our own token", method: "GET", url: "https://h/x", marked: true, expect: "traced" },
  { name: "x-opencode-session", url: "https://h/x", headers: { "x-opencode-session": "s" }, expect: "traced" },
  { name: "x-session-affinity", url: "https://h/x", headers: { "x-session-affinity": "s" }, expect: "traced" },
  { name: "session_id", url: "https://h/x", headers: { session_id: "s" }, expect: "traced" },
  { name: "an MCP session is no mark", url: "https://h/x", headers: { "mcp-session-id": "s" }, expect: "missing-provider-header-not-llm-endpoint" },
  // Endpoints.
  { name: "anthropic", url: "https://h/v1/messages", headers: { "x-api-key": "k" }, expect: "traced" },
  { name: "with a query", url: "https://h/v1/messages?beta=true", headers: KEY, expect: "traced" },
  { name: "with a final slash", url: "https://h/v1/messages/", headers: KEY, expect: "traced" },
  { name: "chat", url: "https://h/v1/chat/completions", headers: KEY, expect: "traced" },
  { name: "chat without any header", url: "http://localhost:1234/v1/chat/completions", expect: "traced" },
  { name: "responses", url: "https://h/v1/responses", headers: KEY, expect: "traced" },
  { name: "gemini", url: "https://h/v1beta/models/g:generateContent", headers: { "x-goog-api-key": "k" }, expect: "traced" },
  { name: "gemini streamed", url: "https://h/v1beta/models/g:streamGenerateContent?alt=sse", expect: "traced" },
  { name: "below an endpoint", url: "https://h/v1/messages/batches", headers: KEY, expect: "not-llm-endpoint" },
  { name: "an endpoint in the query", url: "https://h/x?u=/v1/messages", headers: KEY, expect: "not-llm-endpoint" },
  // Bodies.
  { name: "messages", url: "https://h/model/x/converse", headers: KEY, body: '{"messages":[]}', expect: "traced" },
  { name: "messages, no header", url: "https://h/x", body: ' {"messages":[{"role":"user"}]}', expect: "traced" },
  { name: "input beside model", url: "https://h/x", headers: KEY, body: '{"model":"m","input":"hi"}', expect: "traced" },
  { name: "input alone", url: "https://h/x", headers: KEY, body: '{"input":"hi"}', expect: "not-llm-endpoint" },
  { name: "contents with parts", url: "https://h/x", body: '{"contents":[{"parts":[]}]}', expect: "traced" },
  { name: "contents without parts", url: "https://h/x", body: '{"contents":[1,null,{}]}', expect: "missing-provider-header-not-llm-endpoint" },
  { name: "messages that is no array", url: "https://h/x", body: '{"messages":"x"}', expect: "missing-provider-header-not-llm-endpoint" },
  { name: "messages deeper down", url: "https://h/x", headers: KEY, body: '{"a":{"messages":[]}}', expect: "not-llm-endpoint" },
  { name: "broken JSON", url: "https://h/x", headers: KEY, body: '{"messages":[', expect: "not-llm-endpoint" },
  { name: "no body", url: "https://h/x", headers: KEY, expect: "not-llm-endpoint" },
  // What is not for a model.
  { name: "GET of an endpoint", method: "GET", url: "https://h/v1/messages", headers: KEY, expect: "method-not-post" },
  { name: "a web page", method: "GET", url: "https://example.com/", expect: "method-not-post" },
  { name: "MCP", url: "https://h/mcp", headers: KEY, body: '{"jsonrpc":"2.0","method":"x"}', expect: "not-llm-endpoint" },
  { name: "MCP at /messages", url: "https://h/messages?sessionId=1", body: '{"jsonrpc":"2.0","method":"x"}', expect: "json-rpc" },
  { name: "a prompt about JSON-RPC", url: "https://h/v1/messages", body: '{"messages":[{"content":"\\"jsonrpc\\""}]}', expect: "traced" },
  { name: "MCP that talks of messages", url: "https://h/mcp", body: '{"jsonrpc":"2.0","messages":[]}', expect: "missing-provider-header-not-llm-endpoint" },
  // Strictness.
  { name: "strict, no provider header", url: "https://h/v1/messages", strict: true, expect: "missing-provider-header" },
  { name: "strict, provider header", url: "https://h/v1/messages", strict: true, headers: { "api-key": "k" }, expect: "traced" },
  { name: "strict, session mark", url: "https://h/x", strict: true, headers: { session_id: "s" }, expect: "traced" },
];

describe("what is a model request", () => {
  for (const { name, method = "POST", url = "", headers = {}, body, marked = false, strict, expect: wanted } of CASES) {
    test(name, () => {
      const request = { method, url, marked, header: (key: string) => headers[key] ?? null, bodyText: () => body };
      const verdict = classify(request, strict);
      expect(verdict.traced ? "traced" : verdict.reason).toBe(wanted);
    });
  }
});
