/**
 * Which of OpenCode's events are kept, and what is taken out of them. Everything is kept but what is
 * noise or what the wire shows better; an event that this version does not know is kept.
 */

export interface OpenCodeEvent {
  id?: string;
  type: string;
  properties?: unknown;
}

const NOISE: ReadonlySet<string> = new Set([
  "catalog.updated",
  "file.watcher.updated",
  "integration.updated",
  "message.part.delta",
  "plugin.added",
  "reference.updated",
]);
const NOISE_PREFIX = "tui.";

/** Parts whose start has been kept; enough for many tools at once. */
const LIMIT = 4096;

interface Part {
  id?: string;
  type?: string;
  time?: { start?: number; end?: number };
  state?: { status?: string; metadata?: { sessionId?: string } };
}

export class EventFilter {
  #started = new Set<string>();

  /** The event as it is to be written; `undefined`: not at all. */
  keep(event: OpenCodeEvent): OpenCodeEvent | undefined {
    const { type } = event;
    if (NOISE.has(type) || type.startsWith(NOISE_PREFIX)) return undefined;
    if (type === "message.part.updated") {
      const { part } = (event.properties ?? {}) as { part?: Part };
      return part && !this.#isWorthKeeping(part) ? undefined : event;
    }
    if (type === "session.error" || type === "message.updated") return withoutResponseHeaders(event);
    return event;
  }

  #isWorthKeeping(part: Part): boolean {
    // A user's text has no time; a model's has only a start until it is complete.
    if (part.type === "text" || part.type === "reasoning") return !part.time || part.time.end !== undefined;
    if (part.type !== "tool") return true;
    switch (part.state?.status) {
      case "pending":
        return false;
      case "running":
        // Running tools report again and again; of news there is one, the sub-agent's session.
        return this.#isFirst(`${part.id} ${part.state.metadata?.sessionId ?? ""}`);
      default:
        return true;
    }
  }

  #isFirst(key: string): boolean {
    if (this.#started.has(key)) return false;
    if (this.#started.size >= LIMIT) this.#started.clear();
    this.#started.add(key);
    return true;
  }
}

/** A provider's error carries the response's headers, cookies among them: the wire has those. */
function withoutResponseHeaders(event: OpenCodeEvent): OpenCodeEvent {
  const properties = (event.properties ?? {}) as { error?: unknown; info?: { error?: unknown } };
  if (properties.error) {
    return { ...event, properties: { ...properties, error: stripped(properties.error) } };
  }
  if (properties.info?.error) {
    const info = { ...properties.info, error: stripped(properties.info.error) };
    return { ...event, properties: { ...properties, info } };
  }
  return event;
}

function stripped(error: unknown): unknown {
  const data = (error as { data?: unknown }).data;
  if (!data || typeof data !== "object") return error;
  return { ...(error as object), data: { ...data, responseHeaders: undefined } };
}
