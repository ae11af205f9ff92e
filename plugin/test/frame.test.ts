/** Frames of now: whole at any length, in any number of parts; and their clock, beside the system's own. */

import { expect, test } from "bun:test";
import { frame, FRAME_HEADER, Kind, microseconds } from "../frame.ts";
import { scan } from "./read_spool.ts";

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

test.each([0, 1, 220, (16 << 10) - FRAME_HEADER, (16 << 10) - FRAME_HEADER + 1, 1 << 20])("a payload of %d bytes", (length) => {
  const payload = Buffer.alloc(length, "what it says ");
  for (const parts of [[payload], [payload.subarray(0, length >> 1), payload.subarray(length >> 1)]]) {
    const written = frame(Kind.Event, parts, { exchange: 7, flags: 2 });
    // Another one, made meanwhile.
    frame(Kind.Hello, [Buffer.from("{}")]);
    const { frames, tail } = scan(Buffer.concat(written));
    expect(tail.state).toBe("clean");
    expect(frames).toMatchObject([{ kind: Kind.Event, exchange: 7, flags: 2 }]);
    expect(frames[0]?.payload.equals(payload)).toBe(true);
  }
});
