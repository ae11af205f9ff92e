/**
 * The plugin at work in OpenCode's own Bun, without OpenCode: it is initialised, told of sessions, and its `fetch` asks the
 * scripted model. Every request says whose it is. Run by `octrace-chaos`; it may be killed at any moment.
 */

const need = (name: string): string => process.env[name] ?? "";
const name = need("CHAOS_NAME");
const url = need("CHAOS_MODEL");
const { default: plugin } = await import(need("CHAOS_PLUGIN"));

let state = BigInt(need("CHAOS_SEED"));
/** From 0 to `below`, without it. */
function dice(below: number): number {
  state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
  return Number((state >> 33n) % BigInt(below));
}

const directory = process.cwd();
const hooks = await plugin.server({ directory, worktree: directory, project: { id: "chaos" }, client: {} });
let marks = 0;
const event = (session: string, type: string, properties: object = {}) =>
  hooks.event({ event: { id: `evt_${name}x${++marks}`, type, properties: { sessionID: session, ...properties } } });

const SCRIPTS = ["talk", "talk", "talk", "slow", "cut", "bad", "drop", "hang"];

/** Few are aborted; fifty at once take their time. */
const patience = (script: string): number => (script === "hang" || dice(8) === 0 ? 300 + dice(1500) : 30_000);

async function ask(session: string, script: string, said: object[]): Promise<void> {
  const aborter = new AbortController();
  const body = JSON.stringify({ model: "m1", stream: true, messages: said, tools: [{ type: "function" }] });
  const headers = { "content-type": "application/json", "x-session-affinity": session, authorization: "Bearer none" };
  const timer = setTimeout(() => aborter.abort(), patience(script));
  try {
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body, signal: aborter.signal });
    said.push({ role: "assistant", content: (await response.text()).slice(0, 500) });
  } catch {
    said.push({ role: "assistant", content: "nothing" });
  } finally {
    clearTimeout(timer);
  }
}

async function talk(number: number): Promise<void> {
  const session = `ses_${name}x${number}`;
  event(session, "session.updated", { info: { id: session, title: `Work of ${name}`, version: "1.18.33", directory, time: {} } });
  const said: object[] = [{ role: "system", content: "Some system prompt, always the same. ".repeat(50) }];
  for (let turn = 1; turn <= 2 + dice(3); turn++) {
    const prompt = `msg_${session}x${1000 + turn}`;
    const info = { id: prompt, sessionID: session, role: "user", agent: "build", time: {} };
    event(session, "message.updated", { info });
    const script = SCRIPTS[dice(SCRIPTS.length)] ?? "talk";
    said.push({ role: "user", content: `SCRIPT:${script} agent-${name}-end ${session} ${turn} ${"x ".repeat(dice(5000))}` });
    await ask(session, script, said);
    event(session, "session.idle");
  }
}

await Promise.all(Array.from({ length: 1 + dice(3) }, (_, number) => talk(number)));
await hooks.dispose?.();
process.exit(0);
