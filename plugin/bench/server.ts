/**
 * A model server that keeps its pace, in a process of its own, so that what it costs is nobody else's. A request for
 * `/<writes>/<chunks per write>/…` is answered 5 ms after its last byte has come, with one write each 100 µs. It speaks
 * HTTP by hand, to be sure of what goes out when, and answers one request at a time. First it says its port.
 */

import type { Socket } from "bun";

/** In milliseconds. */
const ANSWERS_AFTER = 5;
const BETWEEN_WRITES = 0.1;

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

interface Asking {
  head: string;
  /** Bytes of the body that have not come yet. */
  left: number;
}

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Timers know but whole milliseconds, and to look at the clock again and again would take a core from who is measured. */
function waitUntil(time: number): void {
  const left = time - performance.now();
  if (left > 0) Atomics.wait(cell, 0, 0, left);
}

function chunk(i: number): string {
  const delta = { index: 0, delta: { content: ` word${i}` }, logprobs: null, finish_reason: null };
  const data = { id: "chatcmpl-octrace-bench", object: "chat.completion.chunk", created: 1_700_000_000, model: "m", choices: [delta] };
  const event = `data: ${JSON.stringify(data)}\n\n`;
  return `${event.length.toString(16)}\r\n${event}\r\n`;
}

function answer(socket: Socket<Asking>, writes: number, chunks: number): void {
  let due = performance.now() + ANSWERS_AFTER;
  waitUntil(due);
  socket.write(HEAD);
  for (let i = 0; i < writes; i++) {
    socket.write(Array.from({ length: chunks }, (_, j) => chunk(i * chunks + j)).join(""));
    due = Math.max(due + BETWEEN_WRITES, performance.now());
    waitUntil(due);
  }
  socket.write("0\r\n\r\n");
}

const server = Bun.listen<Asking>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = { head: "", left: 0 };
      socket.setNoDelay(true);
    },
    data(socket, bytes) {
      const { data } = socket;
      if (data.left === 0) {
        data.head += bytes.toString("latin1");
        const end = data.head.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = Number(/^content-length: *(\d+)/im.exec(data.head)?.[1] ?? NaN);
        data.left = length - (data.head.length - end - 4);
        data.head = data.head.slice(0, end);
      } else {
        data.left -= bytes.length;
      }
      if (data.left > 0) return;
      const [, writes, chunks] = /^POST \/(\d+)\/(\d+)\//.exec(data.head) ?? [];
      data.head = "";
      answer(socket, Number(writes), Number(chunks));
    },
  },
});
console.log(server.port);
