/**
 * What an OpenCode keeps alive, stood in for. The garbage collector goes through all of it again and again, whoever makes
 * the garbage, and collects the more often the less there is: in a process that keeps nothing, a megabyte of code is more
 * than all the rest, and in OpenCode it is a hundredth.
 *
 * OpenCode 1.18.33 as `serve`, with one session in the midst of its work, has 156 to 167 MB and 2.16 million objects after a
 * full collection, by `heapStats` of `bun:jsc`; a process with this has 155 MB.
 */

const THINGS = 430_000;

/** To be kept by whoever asks for it. */
export function likeOpenCode(): object[] {
  const numbers = Array.from({ length: 14 }, (_, i) => i);
  return Array.from({ length: THINGS }, (_, i) => ({ id: i, name: `thing ${i}`.padEnd(80), parts: [...numbers, { at: i }] }));
}
