/** The clock of frames, beside the system's own. */

import { expect, test } from "bun:test";
import { microseconds } from "../frame.ts";

test("within a millisecond the clock goes on, and never leaves it", () => {
  let [wall, steady] = [1_000, 50.25];
  const clock = microseconds(() => wall, () => steady);
  const at = (ms: number, on: number) => {
    [wall, steady] = [ms, steady + on];
    return clock();
  };
  expect(at(1_000, 0)).toBe(1_000_000);
  expect(at(1_000, 0)).toBe(1_000_000);
  expect(at(1_000, 0.25)).toBe(1_000_250);
  expect(at(1_000, 0.5)).toBe(1_000_750);
  // The two clocks do not tick together.
  expect(at(1_000, 9)).toBe(1_000_999);
  expect(at(1_001, 0.25)).toBe(1_001_000);
  expect(at(1_001, 0.25)).toBe(1_001_250);
  // Clocks that are set.
  expect(at(9_000_000, 0.25)).toBe(9_000_000_000);
  expect(at(5, 0.25)).toBe(5_000);
  expect(at(5, 0.25)).toBe(5_250);
});

test("it is the system's", () => {
  const clock = microseconds();
  for (let last = 0, round = 0; round < 10_000; round++) {
    const [from, now, to] = [Date.now() * 1000, clock(), Date.now() * 1000 + 1000];
    expect(now).toBeWithin(from, to);
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});
