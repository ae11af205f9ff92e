/** The plugin in an OpenCode that is not there: an instance of it, and the model call that it is told of. */

import type { Hooks } from "@opencode-ai/plugin";

const MODEL = {
  id: "m",
  providerID: "bench",
  api: { id: "m", npm: "@ai-sdk/openai-compatible", url: "" },
  cost: { input: 3, output: 15, cache: { read: 0.3, write: 3.75 } },
};

/** As OpenCode's provider would send it. */
export const KEY = `bench-${"k".repeat(40)}`;

const PROVIDER = { id: "bench", options: { apiKey: KEY, baseURL: "http://127.0.0.1" } };

/** Loads the plugin and initialises one instance, as OpenCode does. */
export async function begin(): Promise<Hooks> {
  const { default: plugin } = await import("../index.ts");
  const input = { directory: "/project", worktree: "/project", project: { id: "p" } };
  const hooks = await plugin.server(input as never);
  await hooks.config?.({ provider: { bench: PROVIDER } } as never);
  return hooks;
}

/** What OpenCode asks before it makes a model call. */
export async function announce(hooks: Hooks, headers: Record<string, string>): Promise<void> {
  const call = { sessionID: "ses_bench", agent: "build", model: MODEL, provider: PROVIDER, message: { id: "msg_bench" } };
  await hooks["chat.headers"]?.(call as never, { headers });
}
