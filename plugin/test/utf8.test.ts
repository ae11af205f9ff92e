/** Text as bytes in memory that is used again: the same bytes as in memory of their own. */

import { expect, test } from "bun:test";
import { utf8 } from "../utf8.ts";

test.each([
  ["nothing", ""],
  ["ASCII", "{}"],
  ["all widths", "aü–😀".repeat(100)],
  ["half a character", `a${"😀".slice(0, 1)}b`],
  ["more than there is room for at first", "x".repeat(100 << 10)],
  ["the widest, as much as there may be room for", "–".repeat((4 << 20) / 3)],
  ["more than is kept", "–".repeat(2 << 20)],
  ["something short afterwards", "after"],
])("%s", (_, text) => {
  expect(Buffer.from(text).equals(utf8(text))).toBe(true);
});

test("what is short takes no memory of its own", () => {
  const [one, other] = [utf8("one"), utf8("other")];
  expect(one.buffer).toBe(other.buffer);
});
