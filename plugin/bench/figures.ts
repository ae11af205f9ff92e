/**
 * Figures that a benchmark measured, as `octrace-testkit`'s `figures.rs` has them: a line of JSON in the file that
 * `--figures=FILE` names, and a line for whoever looks on.
 */

import { appendFileSync } from "node:fs";

const FLAG = "--figures=";
const file = process.argv.find((argument) => argument.startsWith(FLAG))?.slice(FLAG.length);

/** Tells a figure by its id in `xtask/src/bench/targets.rs`, each repeat's value, and what has to be known to read it. */
export function tell(id: string, values: number[], note = ""): void {
  if (values.length === 0 || values.some((value) => !Number.isFinite(value))) throw new Error(`${id} was not measured`);
  if (file) appendFileSync(file, `${JSON.stringify({ id, values, note })}\n`);
  const [min, middle, max] = [Math.min(...values), median(values), Math.max(...values)].map((value) => value.toFixed(3));
  console.log(`${id.padEnd(40)} ${middle?.padStart(12)} (${min} to ${max}, ${values.length} repeats)  ${note}`);
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
}

export function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** From where to where, of differences between what should be equal. */
export function noise(values: number[]): string {
  return `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
}
