/** The vectors that `octrace-wire`'s tests run too. */

import { describe, expect, test } from "bun:test";
import { endpointUrl, headersPrint, keyPrint, named } from "../backends.ts";
import { frameHeader, segmentHeader, segmentName } from "../frame.ts";
import { Recording } from "../recording.ts";
import { Credentials } from "../secrets.ts";
import { databaseUrl } from "../settings.ts";
import databases from "../../fixtures/wire/databases.json";
import endpoints from "../../fixtures/wire/endpoints.json";
import files from "../../fixtures/wire/files.json";
import frames from "../../fixtures/wire/frames.json";
import keys from "../../fixtures/wire/keys.json";
import secrets from "../../fixtures/wire/secrets.json";
import segments from "../../fixtures/wire/segments.json";
import { scan } from "./read_spool.ts";
import { world } from "./world.ts";

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

describe("payloads about files", () => {
  const here = world();
  test.each(files.files)("$name", ({ about, content_hex, payload_hex }) => {
    const recording = new Recording();
    // Without bytes to send, and with a file that has none: the same to a reader.
    const content = content_hex ? [Buffer.from(content_hex, "hex")] : [];
    expect(recording.file(about, ...content)).toBe(true);
    expect(here.frames().at(-1)?.payload.toString("hex")).toBe(payload_hex);
  });
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

describe("databases", () => {
  test.each(databases.urls)("$url", ({ url, sent }) => expect(databaseUrl(url)).toBe(sent));
});

describe("tracing backends", () => {
  test.each(endpoints.urls)("$url", ({ url, sent }) => expect(endpointUrl(url)).toBe(sent));
  test.each(keys.keys)("$key", ({ key, sent }) => expect(keyPrint(key)).toBe(sent));
  test.each(keys.headers)("$headers", ({ headers, sent }) => expect(headersPrint(headers)).toBe(sent));
  test.each(keys.files)("$name", ({ text, variables }) => expect(named(text)).toEqual(variables));
});
