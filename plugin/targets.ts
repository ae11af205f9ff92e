/** Which files a tool call is about, by what it was given and by what it tells of its result. */

import { isAbsolute, join, resolve } from "node:path";

/** More files than these, of one call, are not looked at. */
const LIMIT = 256;

/** Of a patch; the lines of the files' own text begin with `+`, `-`, a blank or `@`. */
const HEADER = /(?:^|\n)\*\*\* (?:Add File|Delete File|Update File|Move to):([^\n]*)/g;

/** Whether OpenCode's tool of this name changes the files that it names, and no others. */
export function namesItsFiles(tool: string): boolean {
  return tool === "edit" || tool === "write" || tool === "multiedit" || isPatch(tool);
}

/** Whether it runs a command, which may change anything. */
export function isShell(tool: string): boolean {
  return tool === "bash" || tool === "shell";
}

function isPatch(tool: string): boolean {
  return tool === "apply_patch" || tool === "patch";
}

/**
 * The files that the call names, absolute, as the tool itself makes them so: `args` are relative to `directory`.
 * `result` is the metadata that the tool gave back.
 */
export function targets(tool: string, directory: string, args: unknown, result?: unknown): Set<string> {
  const { filePath, patchText } = (args ?? {}) as { filePath?: unknown; patchText?: unknown };
  const found = new Set<string>();
  if (!isPatch(tool)) {
    if (typeof filePath === "string" && filePath) found.add(isAbsolute(filePath) ? filePath : join(directory, filePath));
    return found;
  }
  if (typeof patchText === "string") {
    for (const [, header] of patchText.matchAll(HEADER)) {
      const path = header?.trim();
      if (path) found.add(resolve(directory, path));
      if (found.size >= LIMIT) return found;
    }
  }
  const { files } = (result ?? {}) as { files?: unknown };
  if (!Array.isArray(files)) return found;
  for (const file of files.slice(0, LIMIT) as ({ filePath?: unknown; movePath?: unknown } | null)[]) {
    for (const path of [file?.filePath, file?.movePath]) {
      if (typeof path === "string" && isAbsolute(path) && found.size < LIMIT) found.add(path);
    }
  }
  return found;
}
