/** What the recording is told of tracing backends, and what it must never be told. */

import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { backendCredentials, keyPrint, keys, variables } from "../backends.ts";
import { Kind } from "../frame.ts";
import { Recording } from "../recording.ts";
import { Credentials } from "../secrets.ts";
import { userConfig } from "../user_config.ts";
import { json } from "./read_spool.ts";
import { world } from "./world.ts";

const here = world();

test("what is set is told, and what cannot be told is told as empty", () => {
  const env = {
    NEATLOGS_ENDPOINT: "https://neatlogs.example/",
    HELICONE_ENDPOINT: "https://me:geheim@helicone.example",
    OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT: "",
    OCTRACE_OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OPENCODE_HELICONE_EXPORT_MODE: "metadata_only",
    NEATLOGS_WORKFLOW_NAME: "x".repeat(2000),
    AGENT_TRACE_FLUSH_MS: "20",
    SOMETHING_ELSE: "1",
  };
  expect(variables(env)).toEqual({
    NEATLOGS_ENDPOINT: "https://neatlogs.example/",
    HELICONE_ENDPOINT: "",
    OCTRACE_OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OPENCODE_HELICONE_EXPORT_MODE: "metadata_only",
    NEATLOGS_WORKFLOW_NAME: "",
    AGENT_TRACE_FLUSH_MS: "20",
  });
});

test("keys are told as fingerprints, also those that the user's file names", () => {
  const env = { NEATLOGS_API_KEY: "geheim-1", HELICONE_API_KEY: "", AUTH: "geheim-2", BAD: "two\nlines", OTHER: "geheim-3" };
  const config = "a = '${AUTH} ${BAD} ${NOT_SET} ${AUTH} ${__proto__} ${constructor}'";
  expect(keys(env, config)).toEqual({ NEATLOGS_API_KEY: keyPrint("geheim-1"), AUTH: keyPrint("geheim-2"), BAD: "" });
  const headers = { OCTRACE_OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic%20x" };
  expect(keys(headers, "")).toEqual({ OCTRACE_OTEL_EXPORTER_OTLP_HEADERS: keyPrint("authorization=Basic%20x") });
  const many = Array.from({ length: 1000 }, (_, at) => `\${V${at}}`).join();
  expect(Object.keys(keys(Object.fromEntries(many.match(/V\d+/g)?.map((name) => [name, "x"]) ?? []), many))).toHaveLength(64);
});

test("keys are known for secrets, in headers and in the user's file", () => {
  const pair = Buffer.from("pk:geheim-pair").toString("base64");
  const env = {
    OCTRACE_OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20geheim%2Done,x-project=not-a-secret",
    AUTH: pair,
    PROJECT: "not-a-secret",
  };
  const config = `
    neatlogs.api_key = "geheim-two"
    [[otlp]]
    endpoint = "https://a.example"
    headers = { Authorization = "Basic \${AUTH}", "x-project" = "\${PROJECT}" }
    [[otlp]]
    headers.x-api-key = "geheim-three"`;
  const found = backendCredentials(env, config);
  const expected = ["geheim-one", pair, "pk:geheim-pair", "geheim-pair", "geheim-two", "geheim-three"];
  expect(found).toEqual(expect.arrayContaining(expected));
  expect(found).not.toContain("not-a-secret");
});

test.each(["", "=", "[[otlp", "otlp = 5", "otlp = [5]", "otlp.headers = 5", "[[otlp]]\nheaders.authorization = 5"])(
  "a file like %j hurts nobody",
  (config) => expect(backendCredentials({}, config).join()).not.toContain("["),
);

describe("the user's file", () => {
  const path = () => join(here.runtime(), "config/octrace/config.toml");
  const read = () => userConfig();
  test("is read", () => {
    mkdirSync(join(path(), ".."), { recursive: true });
    writeFileSync(path(), "a = 1");
    expect(read()).toBe("a = 1");
  });
  test("may be a link, as those who keep such files elsewhere have it", () => {
    mkdirSync(join(path(), ".."), { recursive: true });
    writeFileSync(join(here.runtime(), "mine"), "a = 1");
    symlinkSync(join(here.runtime(), "mine"), path());
    expect(read()).toBe("a = 1");
  });
  test.each([
    ["nothing", () => {}],
    ["a folder", () => mkdirSync(path())],
    ["a pipe", () => execFileSync("mkfifo", [path()])],
    ["a link to itself", () => symlinkSync(path(), path())],
    ["a device", () => symlinkSync("/dev/zero", path())],
    ["too much", () => writeFileSync(path(), "#".repeat((1 << 20) + 1))],
  ])("is empty where there is %s", (_, make) => {
    mkdirSync(join(path(), ".."), { recursive: true });
    make();
    expect(read()).toBe("");
    rmSync(path(), { recursive: true, force: true });
  });
});

test("the recording is told of keys what finds them, and nothing that shows them", () => {
  const key = ["geheim", "key", "of", "mine"].join("-");
  const values = [1, 2, 3, 4].map((number) => `${key}-${number}`);
  const [neatlogs = "", helicone = "", header = "", named = ""] = values;
  const headers = `authorization=${header}`;
  Object.assign(process.env, {
    NEATLOGS_API_KEY: neatlogs,
    NEATLOGS_ENDPOINT: `https://${key}@neatlogs.example`,
    HELICONE_API_KEY: helicone,
    OCTRACE_OTEL_EXPORTER_OTLP_HEADERS: headers,
    LANGFUSE_AUTH: named,
  });
  mkdirSync(join(here.runtime(), "config/octrace"), { recursive: true });
  const config = "[[otlp]]\nheaders.authorization = 'Bearer ${LANGFUSE_AUTH}'\n";
  writeFileSync(join(here.runtime(), "config/octrace/config.toml"), config);
  expect(new Recording().document(Kind.Bye, {})).toBe(true);
  const hello = json(here.frames()[0]);
  expect(hello.settings.variables).toEqual({ NEATLOGS_ENDPOINT: "" });
  expect(hello.settings.keys).toEqual({
    NEATLOGS_API_KEY: keyPrint(neatlogs),
    HELICONE_API_KEY: keyPrint(helicone),
    LANGFUSE_AUTH: keyPrint(named),
    OCTRACE_OTEL_EXPORTER_OTLP_HEADERS: keyPrint(headers),
  });
  const credentials = new Credentials(Buffer.from(hello.salt, "hex"));
  for (const value of values) expect(hello.secrets).toContainEqual(credentials.print(Buffer.from(value)));
  expect(JSON.stringify(hello)).not.toContain(key);
});
