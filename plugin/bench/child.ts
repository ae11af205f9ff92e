/** A process that is measured, and what it says, line by line. */

import { resolve } from "node:path";

export class Child {
  #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  #lines: AsyncIterator<string>;

  constructor(env: Record<string, string | undefined>, script: string, ...args: string[]) {
    const command = [process.execPath, "run", resolve(import.meta.dir, script), ...args];
    this.#process = Bun.spawn(command, { env, stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#lines = lines(this.#process.stdout);
  }

  /** Its next line; throws where there is none. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`a process that was to be measured ended with ${await this.#process.exited}`);
    return value;
  }

  async says<Said>(): Promise<Said> {
    return JSON.parse(await this.line()) as Said;
  }

  /** Its answer to a line. */
  async asked<Said>(question: object): Promise<Said> {
    this.#process.stdin.write(`${JSON.stringify(question)}\n`);
    void this.#process.stdin.flush();
    return this.says();
  }

  /** What it says when it is asked no more. */
  async ends<Said>(): Promise<Said> {
    void this.#process.stdin.end();
    return this.says();
  }

  get pid(): number {
    return this.#process.pid;
  }

  kill(): void {
    this.#process.kill();
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (const bytes of stream.pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)) {
    const parts = (text + bytes).split("\n");
    text = parts.pop() ?? "";
    yield* parts;
  }
}
