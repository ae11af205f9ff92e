/** The processor time of this thread, which a busy machine stretches least. */

import { dlopen, ptr } from "bun:ffi";

const [library, clock] = process.platform === "darwin" ? ["libSystem.dylib", 16] : ["libc.so.6", 3];
const { symbols } = dlopen(library, { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
const time = new BigInt64Array(2);

/** In microseconds. */
export function threadTime(): number {
  symbols.clock_gettime(clock, ptr(time));
  return Number(time[0]) * 1e6 + Number(time[1]) / 1e3;
}
