/** Starts `stream_server.ts` and speaks with it. For tests only. */

import { join } from "node:path";

export interface StreamServer {
  /** For model requests: `<url>/<path>`. */
  url: string;
  /** Sends the next chunk of a stream. */
  next(stream: string, bytes: Uint8Array): void;
  end(stream: string): void;
  /** Waits until the server has said `what`, such as `closed <stream>`; gives the rest of that line. */
  said(what: string): Promise<string>;
  stop(): void;
}

export async function streamServer(): Promise<StreamServer> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "stream_server.ts")], {
    env: { ...process.env, BUN_BE_BUN: "1" },
    stdin: "pipe",
    stdout: "pipe",
  });
  const lines: string[] = [];
  let wake = () => {};
  void (async () => {
    let text = "";
    for await (const bytes of child.stdout) {
      text += Buffer.from(bytes).toString();
      const whole = text.split("\n");
      text = whole.pop() ?? "";
      lines.push(...whole);
      wake();
    }
  })();
  const command = (line: string) => {
    child.stdin.write(`${line}\n`);
    void child.stdin.flush();
  };
  const said = async (what: string): Promise<string> => {
    for (;;) {
      const found = lines.find((line) => line === what || line.startsWith(`${what} `));
      if (found !== undefined) return found.slice(what.length + 1);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return {
    url: `http://127.0.0.1:${await said("port")}`,
    next: (stream, bytes) => command(`next ${stream} ${Buffer.from(bytes).toString("base64")}`),
    end: (stream) => command(`end ${stream}`),
    said,
    stop: () => child.kill(),
  };
}
