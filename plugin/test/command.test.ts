/** What files a shell's command names: `>` before those that it may make. */

import { expect, test } from "bun:test";
import { homedir } from "node:os";
import { join } from "node:path";
import { namedBy } from "../command.ts";

/** Without the words that are no paths, were there not such files. */
function named(command: string): string[] {
  const found = [...namedBy(command, "/w")].map(([path, makes]) => (makes ? ">" : "") + path.replace(/^\/w\//, ""));
  return found.filter((name) => /[./]/.test(name) && !/\/(use|cd)$/.test(name));
}

test.each([
  ["", []],
  ["sed -i s,a,b, a.txt ./sub/../b.txt /c.txt", ["a.txt", "b.txt", "/c.txt"]],
  [`use 'a b.txt' "c d.txt" e\\ f.txt g'.t'"x"t`, ["a b.txt", "c d.txt", "e f.txt", "g.txt"]],
  ["use ~/a.txt", [join(homedir(), "a.txt")]],
  ["make >a.log 2>b.log; make >>c.log 2>&1 &>d.log >|e.log</f.in", [">a.log", ">b.log", ">c.log", ">d.log", ">e.log", "/f.in"]],
  ["make 2> a.log|tee -a b.log c.log | use d.log", [">a.log", ">b.log", ">c.log", "d.log"]],
  ["cp a.txt b.txt && git mv c.txt d.txt; use e.txt\ntouch f.txt", [">a.txt", ">b.txt", ">c.txt", ">d.txt", "e.txt", ">f.txt"]],
  ["A=a.txt prog --out=b.txt of=c.txt d.txt", ["a.txt", "b.txt", "c.txt", "of=c.txt", "d.txt"]],
  ["cd sub && use a.txt; (cd ../x.d; use b.txt)", ["sub/a.txt", "x.d/b.txt"]],
  ["A=1 cd sub; use a.txt", ["sub/a.txt"]],
  ["use $A.txt ${A}.txt *.txt a?.txt {a,b}.txt `b.txt` \"$c.txt\" '$d.txt' \"\\$e.txt\"", ["$d.txt", "$e.txt"]],
  ["use $(use a.txt) b.txt", ["a.txt", "b.txt"]],
  ["use a.txt # b.txt\nuse c#.txt", ["a.txt", "c#.txt"]],
  ["use a.txt \\\n  b.txt", ["a.txt", "b.txt"]],
  ["use > a.txt <<'EOF'\nsee b.txt > c.txt\nEOF\nuse d.txt", [">a.txt", "d.txt"]],
  ["use <<-EOF > a.txt\n\tsee b.txt\n\tEOF\nuse d.txt", [">a.txt", "d.txt"]],
  ["use <<< a.txt b.txt", ["b.txt"]],
  ["use <<EOF\nsee b.txt", []],
  ["use b.txt 'a.txt", ["b.txt"]],
  ["use nul\0.txt", []],
  ["cat a.txt < b.txt; grep x c.txt | sort -o d.txt; A=1 tail -f e.txt > f.txt", ["d.txt", ">f.txt"]],
] as const)("%j", (command, files) => expect(named(command)).toEqual([...files]));

test("only so many words are read, and only so long ones", () => {
  const many = Array.from({ length: 100 }, (_, i) => `${i}.txt`).join(" ");
  expect(named(`use ${many}`).at(-1)).toBe("62.txt");
  expect(named(`use ${"x".repeat(5000)}.txt a.txt`)).toEqual(["a.txt"]);
  expect(named(`${" ".repeat(20_000)}a.txt`)).toEqual([]);
});

test("no command makes it slow: quadratic, these would be longer than a test may take", () => {
  for (const part of ["'", '"', '\\"', "<<a ", "\n", "# ", "\\\n", " #", "1", ">", "$(", '"\\', "a\\\n"]) {
    expect(namedBy(part.repeat(100_000), "/w").size).toBeLessThan(65);
  }
});
