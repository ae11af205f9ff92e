/**
 * A model server, in a process of its own so that its memory and its work are not the agent's. It speaks
 * HTTP by hand, to be sure of what goes out when:
 *
 * - `/step/<stream>/…`: chunk after chunk, each when it is asked for.
 * - `/flood/<stream>/…`: as much as the agent takes, up to 200 MB.
 *
 * Commands, a line each, come on the standard input: `next <stream> <base64>` sends a chunk, `end <stream>`
 * ends an answer. What happens is said on the standard output: `port <n>` first, then `taken <stream>
 * <bytes>` when the agent takes no more (bytes that left the process), and `closed <stream>`.
 */

import type { Socket } from "bun";

const FLOOD = 200 << 20;
const PIECE = Buffer.alloc(64 << 10, "a flood of bytes ");
/** The agent takes no more when nothing has moved for this long, in milliseconds. */
const STILL = 300;

interface Answer {
  stream: string;
  flood: boolean;
  taken: number;
  still: ReturnType<typeof setTimeout> | undefined;
}

const answers = new Map<string, Socket<Answer>>();
const say = (line: string) => process.stdout.write(`${line}\n`);
const chunk = (bytes: Uint8Array) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);

function pour(socket: Socket<Answer>): void {
  const { data } = socket;
  while (data.taken < FLOOD) {
    const part = PIECE.subarray(data.taken % PIECE.length);
    const taken = socket.write(part);
    if (taken > 0) data.taken += taken;
    if (taken < part.length) break;
  }
  clearTimeout(data.still);
  data.still = setTimeout(() => say(`taken ${data.stream} ${data.taken}`), STILL);
}

const server = Bun.listen<Answer>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = { stream: "", flood: false, taken: 0, still: undefined };
      socket.setNoDelay(true);
    },
    data(socket, bytes) {
      const [, kind, stream] = /^[A-Z]+ \/(step|flood)\/([\w-]+)\//.exec(bytes.toString("latin1")) ?? [];
      if (!kind || !stream) return;
      socket.data.stream = stream;
      socket.data.flood = kind === "flood";
      answers.set(stream, socket);
      const length = kind === "flood" ? `content-length: ${FLOOD}` : "transfer-encoding: chunked";
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${length}\r\n\r\n`);
      if (kind === "flood") pour(socket);
    },
    drain(socket) {
      if (socket.data.flood) pour(socket);
    },
    close(socket) {
      clearTimeout(socket.data.still);
      say(`closed ${socket.data.stream}`);
    },
  },
});
say(`port ${server.port}`);

for await (const line of console) {
  const [command, stream = "", bytes = ""] = line.split(" ");
  const socket = answers.get(stream);
  if (command === "next") socket?.write(chunk(Buffer.from(bytes, "base64")));
  if (command === "end") socket?.write("0\r\n\r\n");
}
process.exit(0);
