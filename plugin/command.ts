/**
 * Which files a shell's command names, cheaply: nothing is expanded, and what comes out of variables, patterns and other
 * commands is passed over. A guess that is wrong costs a look.
 */

import { homedir } from "node:os";
import { resolve } from "node:path";

/** Of a longer command only the begin is read, in characters. */
const LENGTH = 16 << 10;

/** More words than these are not looked at, nor longer ones. */
const LIMIT = 64;
const LONGEST = 4096;

/** A part of a word, or what stands between words. */
const PIECE =
  /(?<between>(?:[^\S\n]|\\\n|(?<![^\s;&|()])#[^\n]*)+)|(?<redirection>(?:(?<![^\s;&|()])\d+)?(?:&>>?|>[>|&]?|<<<|<<-?|<[&>]?))|(?<end>[\n;&|()])|'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\[^])*)"|\\(?<escaped>[^])|(?<plain>[^\s\\'"`$;&|()<>*?[\]{}]+)|[^]/g;

const HEREDOC = /(?<!<)<<-?[^\S\n]*(["']?)([A-Za-z_]\w*)\1/;

/** They make files of the names that they are given. */
const MAKERS: ReadonlySet<string> = new Set(["cp", "mv", "tee", "touch"]);

/** They only read what they are given, and agents call them all the time: nothing of it has to be looked at. */
const READERS: ReadonlySet<string> = new Set([
  ..."[ cat cmp cut diff du echo egrep fgrep file grep head less ls md5sum more nl od printf rg".split(" "),
  ..."sha1sum sha256sum stat strings tail test tr wc xxd".split(" "),
]);

/**
 * The files that `command` may be about when a shell runs it in `directory`, absolute. `true`: it may make the file, so
 * that there being none is of interest.
 */
export function namedBy(command: string, directory: string): Map<string, boolean> {
  const found = new Map<string, boolean>();
  let base = directory;
  let words = 0;
  /** Of the simple command that is being read. */
  let program: string | undefined;
  let makes = false;
  let redirection = "";

  const name = (text: string) => {
    const path = resolve(base, text.startsWith("~/") ? `${homedir()}${text.slice(1)}` : text);
    found.set(path, found.get(path) || makes || redirection.includes(">"));
  };
  const take = (text: string) => {
    const isReader = READERS.has(program ?? "");
    if (redirection) {
      if (isReader && !redirection.includes(">")) return;
      // Neither the end of a heredoc nor another descriptor is a file.
      if (!/<<|&$/.test(redirection)) name(text);
      return;
    }
    if (isReader) return;
    const value = text.indexOf("=") + 1;
    if (value > 1) name(text.slice(value));
    // A variable that is set for the program, which comes next.
    if (value > 1 && program === undefined) return;
    if (program === "cd") base = resolve(base, text);
    else if (MAKERS.has(text)) makes = true;
    else if (!text.startsWith("-")) name(text);
    program ??= text;
  };

  for (const word of wordsOf(withoutHeredocs(command).slice(0, LENGTH))) {
    if (word.kind === "end") [program, makes, redirection] = [undefined, false, ""];
    else if (word.kind === "redirection") redirection = word.text;
    else {
      if (++words > LIMIT) break;
      if (word.kind === "word" && word.text && word.text.length <= LONGEST && !word.text.includes("\0")) take(word.text);
      else if (!redirection) program ??= "";
      redirection = "";
    }
  }
  return found;
}

interface Word {
  /** `unknown`: only the shell knows what comes of it. */
  kind: "word" | "unknown" | "redirection" | "end";
  text: string;
}

function* wordsOf(command: string): Generator<Word> {
  let word: Word | undefined;
  for (const { 0: piece, groups = {} } of command.matchAll(PIECE)) {
    const { between, redirection, end, single, double, escaped, plain } = groups;
    if (between === undefined && redirection === undefined && end === undefined) {
      word ??= { kind: "word", text: "" };
      word.text += single ?? escaped ?? plain ?? double?.replace(/\\([$`"\\])/g, "$1") ?? "";
      const isExpanded = double === undefined ? (single ?? escaped ?? plain) === undefined : /(?<!\\)[$`]/.test(double);
      if (isExpanded) word.kind = "unknown";
      continue;
    }
    if (word) yield word;
    word = undefined;
    if (redirection !== undefined) yield { kind: "redirection", text: redirection };
    if (end !== undefined) yield { kind: "end", text: piece };
  }
  if (word) yield word;
}

function withoutHeredocs(command: string): string {
  if (!command.includes("<<")) return command;
  let delimiter: string | undefined;
  const kept = command.split("\n").filter((line) => {
    if (delimiter !== undefined) {
      if (line.trim() === delimiter) delimiter = undefined;
      return false;
    }
    delimiter = HEREDOC.exec(line)?.[2];
    return true;
  });
  return kept.join("\n");
}
