/**
 * Answers that no model gave: a text, in the dialect in which the provider would have sent it, streamed or
 * whole, with no tokens used.
 */

export type Dialect = "chat" | "responses" | "anthropic" | "gemini";

export interface Answer {
  text: string;
  /**
   * Whether the answer ends as one that is complete. OpenCode asks again, for what else there is to do, after a
   * streamed one that does not.
   */
  final: boolean;
}

/** SDK packages that speak one of the dialects, through `fetch`. */
const SPEAKS = new RegExp(
  `^(@ai-sdk/(openai|openai-compatible|azure|anthropic|google|google-vertex(/anthropic)?|groq|mistral|xai|deepinfra|cerebras|togetherai|perplexity|vercel|alibaba)|@openrouter/ai-sdk-provider|venice-ai-sdk-provider|@ai-sdk/github-copilot)$`,
);

/** Whether requests of this SDK package can be answered here. */
export function canAnswer(npm: string): boolean {
  return SPEAKS.test(npm);
}

/** The answer to a request for `url` with this body. */
export function answer(url: string, body: string | undefined, { text, final }: Answer): Response {
  const path = url.replace(/[?#].*$/s, "");
  const request = parsed(body);
  const model = String(request["model"] ?? "");
  const dialect = dialectOf(path);
  if (!dialect) {
    // Not a status that is tried again.
    return Response.json({ error: { message: "octrace cannot answer this provider's requests" } }, { status: 400 });
  }
  const isStreamed = dialect === "gemini" ? /:stream/i.test(path) : request["stream"] === true || /:stream/i.test(path);
  const { whole, events } = DIALECTS[dialect](text, model, final);
  if (!isStreamed) return Response.json(whole);
  return new Response(events.join(""), { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}

function dialectOf(path: string): Dialect | undefined {
  if (/\/chat\/completions\/?$/i.test(path)) return "chat";
  if (/\/responses\/?$/i.test(path)) return "responses";
  if (/(\/messages\/?|:(stream)?rawPredict)$/i.test(path)) return "anthropic";
  if (/:(stream)?generateContent$/i.test(path)) return "gemini";
  return undefined;
}

function parsed(body: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

interface Forms {
  whole: object;
  events: string[];
}

/** Ids are the same in each answer: nothing refers to them. */
const ID = "octrace_intercept";
const CREATED = 0;

const DIALECTS: Record<Dialect, (text: string, model: string, final: boolean) => Forms> = {
  chat(text, model, final) {
    const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
    const head = { id: `chatcmpl-${ID}`, created: CREATED, model };
    const chunk = (choices: object[], more = {}) =>
      event(undefined, { ...head, object: "chat.completion.chunk", choices, ...more });
    const choice = (delta: object, reason: string | null = null) => ({ index: 0, delta, finish_reason: reason });
    const message = { role: "assistant", content: text };
    return {
      whole: {
        ...head,
        object: "chat.completion",
        choices: [{ index: 0, message, finish_reason: "stop" }],
        usage,
      },
      events: [
        chunk([choice(message)]),
        ...(final ? [chunk([choice({}, "stop")])] : []),
        chunk([], { usage }),
        "data: [DONE]\n\n",
      ],
    };
  },

  responses(text, model, final) {
    const usage = {
      input_tokens: 0,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 0,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 0,
    };
    const item = (status: string, content: object[]) => ({ id: `msg_${ID}`, type: "message", status, role: "assistant", content });
    const part = (written: string) => ({ type: "output_text", text: written, annotations: [], logprobs: [] });
    const done = item("completed", [part(text)]);
    const response = (status: string, output: object[]) => ({
      id: `resp_${ID}`,
      object: "response",
      created_at: CREATED,
      status,
      error: null,
      incomplete_details: null,
      model,
      output,
      usage: status === "completed" ? usage : null,
    });
    const at = { item_id: `msg_${ID}`, output_index: 0, content_index: 0 };
    const whole = response("completed", [done]);
    const events: [string, object][] = [
      ["response.created", { response: response("in_progress", []) }],
      ["response.output_item.added", { output_index: 0, item: item("in_progress", []) }],
      ["response.content_part.added", { ...at, part: part("") }],
      ["response.output_text.delta", { ...at, delta: text, logprobs: [] }],
      ["response.output_text.done", { ...at, text, logprobs: [] }],
      ["response.content_part.done", { ...at, part: part(text) }],
      ["response.output_item.done", { output_index: 0, item: done }],
    ];
    if (final) events.push(["response.completed", { response: whole }]);
    return {
      whole,
      events: events.map(([type, data], number) => event(type, { type, sequence_number: number, ...data })),
    };
  },

  anthropic(text, model, final) {
    const usage = { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 };
    const message = (content: object[], reason: string | null) => ({
      id: `msg_${ID}`,
      type: "message",
      role: "assistant",
      model,
      content,
      stop_reason: reason,
      stop_sequence: null,
      usage,
    });
    const events: [string, object][] = [
      ["message_start", { message: message([], null) }],
      ["content_block_start", { index: 0, content_block: { type: "text", text: "" } }],
      ["content_block_delta", { index: 0, delta: { type: "text_delta", text } }],
      ["content_block_stop", { index: 0 }],
    ];
    if (final) {
      const delta = { stop_reason: "end_turn", stop_sequence: null };
      events.push(["message_delta", { delta, usage: { output_tokens: 0 } }], ["message_stop", {}]);
    }
    return {
      whole: message([{ type: "text", text }], "end_turn"),
      events: events.map(([type, data]) => event(type, { type, ...data })),
    };
  },

  gemini(text, model, final) {
    const response = (reason?: string) => ({
      candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0, ...(reason && { finishReason: reason }) }],
      usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 },
      modelVersion: model,
    });
    return { whole: response("STOP"), events: [event(undefined, response(final ? "STOP" : undefined))] };
  },
};

function event(type: string | undefined, data: object): string {
  return `${type === undefined ? "" : `event: ${type}\n`}data: ${JSON.stringify(data)}\n\n`;
}
