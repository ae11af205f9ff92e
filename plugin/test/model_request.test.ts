/** Which requests are taken for a model's: the table of cases, as OpenCode and others send them. */

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
  // Other providers' ways.
  { name: "Azure, chat", url: "https://r.openai.azure.com/openai/deployments/x/chat/completions?api-version=2025-01-01", headers: { "api-key": "k" }, expect: "traced" },
  { name: "Azure, responses", url: "https://r.openai.azure.com/openai/v1/responses?api-version=v1", headers: { "api-key": "k" }, expect: "traced" },
  { name: "Vertex, Gemini", url: "https://h/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent?alt=sse", headers: KEY, expect: "traced" },
  { name: "Vertex, Anthropic", url: "https://h/v1/projects/p/locations/l/publishers/anthropic/models/c:streamRawPredict", headers: KEY, body: '{"anthropic_version":"vertex-2023-10-16","messages":[]}', expect: "traced" },
  { name: "Vertex, Anthropic, whole", url: "https://h/publishers/anthropic/models/c:rawPredict", headers: KEY, body: '{"messages":[]}', expect: "traced" },
  { name: "Bedrock, signed", url: "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream", headers: { authorization: "AWS4-HMAC-SHA256 x" }, body: '{"messages":[]}', expect: "traced" },
  { name: "Ollama", url: "http://localhost:11434/api/chat", body: '{"model":"m","messages":[]}', expect: "traced" },
  { name: "Ollama's models", method: "GET", url: "http://localhost:11434/api/tags", expect: "method-not-post" },
  { name: "a count of tokens has a request's shape", url: "https://h/v1/messages/count_tokens", headers: { "x-api-key": "k" }, body: '{"model":"m","messages":[]}', expect: "traced" },
  { name: "embeddings have input beside model", url: "https://h/v1/embeddings", headers: KEY, body: '{"model":"m","input":"x"}', expect: "traced" },
  { name: "upper case", url: "https://h/V1/Chat/Completions", headers: KEY, expect: "traced" },
  // What is not for a model.
  { name: "GET of an endpoint", method: "GET", url: "https://h/v1/messages", headers: KEY, expect: "method-not-post" },
  { name: "a web page", method: "GET", url: "https://example.com/", expect: "method-not-post" },
  { name: "MCP", url: "https://h/mcp", headers: KEY, body: '{"jsonrpc":"2.0","method":"x"}', expect: "not-llm-endpoint" },
  { name: "MCP at /messages", url: "https://h/messages?sessionId=1", body: '{"jsonrpc":"2.0","method":"x"}', expect: "json-rpc" },
  { name: "a prompt about JSON-RPC", url: "https://h/v1/messages", body: '{"messages":[{"content":"\\"jsonrpc\\""}]}', expect: "traced" },
  { name: "MCP that talks of messages", url: "https://h/mcp", body: '{"jsonrpc":"2.0","messages":[]}', expect: "missing-provider-header-not-llm-endpoint" },
  { name: "MCP at /messages, a batch", url: "https://h/messages", headers: KEY, body: '[{"jsonrpc":"2.0","method":"x"}]', expect: "json-rpc" },
  { name: "MCP's stream", method: "GET", url: "https://h/sse", headers: { accept: "text/event-stream" }, expect: "method-not-post" },
  { name: "MCP's end", method: "DELETE", url: "https://h/mcp", headers: { "mcp-session-id": "s" }, expect: "method-not-post" },
  { name: "ripgrep's download", method: "GET", url: "https://github.com/BurntSushi/ripgrep/releases/download/15.0.0/rg.tar.gz", expect: "method-not-post" },
  { name: "the list of models", method: "GET", url: "https://h/v1/models", headers: KEY, expect: "method-not-post" },
  { name: "a check before a request", method: "OPTIONS", url: "https://h/v1/messages", expect: "method-not-post" },
  { name: "a new access token, as a form", url: "https://auth.h/oauth/token", body: "grant_type=refresh_token&refresh_token=x", expect: "missing-provider-header-not-llm-endpoint" },
  { name: "a new access token, as JSON", url: "https://console.anthropic.com/v1/oauth/token", body: '{"grant_type":"refresh_token","refresh_token":"x"}', expect: "missing-provider-header-not-llm-endpoint" },
  { name: "Copilot's token", method: "GET", url: "https://api.github.com/copilot_internal/v2/token", headers: KEY, expect: "method-not-post" },
  { name: "GraphQL", url: "https://h/graphql", headers: KEY, body: '{"query":"{ messages { id } }"}', expect: "not-llm-endpoint" },
  { name: "a web search", url: "https://mcp.exa.ai/mcp", body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"web_search_exa"}}', expect: "missing-provider-header-not-llm-endpoint" },
  { name: "OpenCode's own server, a prompt", url: "http://localhost:4096/session/ses_1/message", body: '{"parts":[{"type":"text","text":"hi"}]}', expect: "missing-provider-header-not-llm-endpoint" },
  { name: "OpenCode's own server, a command", url: "http://localhost:4096/session/ses_1/command", headers: KEY, body: '{"command":"init","arguments":""}', expect: "not-llm-endpoint" },
  { name: "OpenCode's own server, the messages", method: "GET", url: "http://localhost:4096/session/ses_1/message", expect: "method-not-post" },
  { name: "traces to a backend", url: "https://h/v1/traces", headers: { "x-api-key": "k" }, body: "\u0001\u0002", expect: "not-llm-endpoint" },
  { name: "an upload of files", url: "https://h/v1/files", headers: KEY, body: "--boundary", expect: "not-llm-endpoint" },
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
