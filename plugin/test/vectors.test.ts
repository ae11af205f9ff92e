/** The vectors that `octrace-wire`'s tests run too. */

import { describe, expect, test } from "bun:test";
import { frameHeader, segmentHeader, segmentName } from "../frame.ts";
import { Credentials } from "../secrets.ts";
import frames from "../../fixtures/wire/frames.json";
import secrets from "../../fixtures/wire/secrets.json";
import segments from "../../fixtures/wire/segments.json";
import { scan } from "./read_spool.ts";

describe("frames", () => {
  for (const vector of frames.frames) {
    test(vector.name, () => {
      const payload =
        vector.payload === undefined ? Buffer.from(vector.payload_hex ?? "", "hex") : Buffer.from(vector.payload);
      const { kind, flags, exchange, wall_us: wall, mono_us: mono } = vector;
      const header = frameHeader({ kind, flags, exchange, wall, mono }, payload);
      expect(Buffer.concat([header, payload]).toString("hex")).toBe(vector.bytes);
    });
  }
});

describe("segments", () => {
  for (const { number, file_name, bytes } of segments.headers) {
    test(file_name, () => {
      expect(segmentName(number)).toBe(file_name);
      expect(Buffer.from(segmentHeader(number)).toString("hex")).toBe(bytes);
    });
  }

  // The tests' own reader is held to the same results, since other tests lean on it.
  for (const { name, bytes, frames, tail } of segments.scans) {
    test(name, () => {
      const found = scan(Buffer.from(bytes, "hex"));
      expect(found.frames.map(({ kind }) => kind)).toEqual(frames);
      expect(found.tail as object).toEqual(tail);
    });
  }
});

describe("secret prints", () => {
  for (const { salt, value, ...print } of secrets.prints) {
    test(`${value.slice(0, 12)} with ${salt.slice(0, 4)}`, () => {
      expect(new Credentials(Buffer.from(salt, "hex")).print(Buffer.from(value))).toEqual(print);
    });
  }
});
