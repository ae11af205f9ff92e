/** What files a shell's command names: `>` before those that it may make. */

import { expect, test } from "bun:test";
import { homedir } from "node:os";
import { join } from "node:path";
import { namedBy } from "../command.ts";

/** Without the words that are no paths, were there not such files. */
function named(command: string): string[] {
  const found = [...namedBy(command, "/w")].map(([path, makes]) => (makes ? ">" : "") + path.replace(/^\/w\//, ""));
  return found.filter((name) => /[./]/.test(name) && !/\/(cat|cd)$/.test(name));
}

test.each([
  ["", []],
  ["sed -i s,a,b, a.txt ./sub/../b.txt /c.txt", ["a.txt", "b.txt", "/c.txt"]],
  [`cat 'a b.txt' "c d.txt" e\\ f.txt g'.t'"x"t`, ["a b.txt", "c d.txt", "e f.txt", "g.txt"]],
  ["cat ~/a.txt", [join(homedir(), "a.txt")]],
  ["make >a.log 2>b.log; make >>c.log 2>&1 &>d.log >|e.log</f.in", [">a.log", ">b.log", ">c.log", ">d.log", ">e.log", "/f.in"]],
  ["make 2> a.log|tee -a b.log c.log | cat d.log", [">a.log", ">b.log", ">c.log", "d.log"]],
  ["cp a.txt b.txt && git mv c.txt d.txt; cat e.txt\ntouch f.txt", [">a.txt", ">b.txt", ">c.txt", ">d.txt", "e.txt", ">f.txt"]],
  ["A=a.txt prog --out=b.txt of=c.txt d.txt", ["a.txt", "b.txt", "c.txt", "of=c.txt", "d.txt"]],
  ["cd sub && cat a.txt; (cd ../x.d; cat b.txt)", ["sub/a.txt", "x.d/b.txt"]],
  ["A=1 cd sub; cat a.txt", ["sub/a.txt"]],
  ["cat $A.txt ${A}.txt *.txt a?.txt {a,b}.txt `b.txt` \"$c.txt\" '$d.txt' \"\\$e.txt\"", ["$d.txt", "$e.txt"]],
  ["cat $(cat a.txt) b.txt", ["a.txt", "b.txt"]],
  ["cat a.txt # b.txt\ncat c#.txt", ["a.txt", "c#.txt"]],
  ["cat a.txt \\\n  b.txt", ["a.txt", "b.txt"]],
  ["cat > a.txt <<'EOF'\nsee b.txt > c.txt\nEOF\ncat d.txt", [">a.txt", "d.txt"]],
  ["cat <<-EOF > a.txt\n\tsee b.txt\n\tEOF\ncat d.txt", [">a.txt", "d.txt"]],
  ["cat <<< a.txt b.txt", ["b.txt"]],
  ["cat <<EOF\nsee b.txt", []],
  ["cat b.txt 'a.txt", ["b.txt"]],
  ["cat nul\0.txt", []],
] as const)("%j", (command, files) => expect(named(command)).toEqual([...files]));

test("only so many words are read, and only so long ones", () => {
  const many = Array.from({ length: 100 }, (_, i) => `${i}.txt`).join(" ");
  expect(named(`cat ${many}`).at(-1)).toBe("62.txt");
  expect(named(`cat ${"x".repeat(5000)}.txt a.txt`)).toEqual(["a.txt"]);
  expect(named(`${" ".repeat(20_000)}a.txt`)).toEqual([]);
});

test("no command makes it slow: quadratic, these would be longer than a test may take", () => {
  for (const part of ["'", '"', '\\"', "<<a ", "\n", "# ", "\\\n", " #", "1", ">", "$(", '"\\', "a\\\n"]) {
    expect(namedBy(part.repeat(100_000), "/w").size).toBeLessThan(65);
  }
});
