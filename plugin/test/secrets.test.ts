/** What must not be written: in headers, URLs, configuration, environment, and echoed in bodies. */

import { describe, expect, test } from "bun:test";
import { headerCredentials, recordable } from "../headers.ts";
import { Credentials, credentialsIn, credentialsInEnv, withoutScheme } from "../secrets.ts";
import { stripUrl } from "../url.ts";

describe("headers", () => {
  test("names stay, values only by the list", () => {
    const headers: [string, string][] = [
      ["Authorization", "Bearer abcdefgh"],
      ["X-Api-Key", "k"],
      ["Content-Type", "application/json"],
      ["x-opencode-session", "ses_1"],
      ["x-opencode-token", "t"],
      ["X-RateLimit-Remaining-Tokens", "7"],
      ["anthropic-ratelimit-requests-limit", "9"],
      ["set-cookie", "a=b"],
      ["x-invented-yesterday", "v"],
    ];
    expect(recordable(headers)).toEqual([
      ["Authorization", "[REDACTED]"],
      ["X-Api-Key", "[REDACTED]"],
      ["Content-Type", "application/json"],
      ["x-opencode-session", "ses_1"],
      ["x-opencode-token", "[REDACTED]"],
      ["X-RateLimit-Remaining-Tokens", "7"],
      ["anthropic-ratelimit-requests-limit", "9"],
      ["set-cookie", "[REDACTED]"],
      ["x-invented-yesterday", "[REDACTED]"],
    ]);
  });

  test("credentials are found without their scheme", () => {
    const basic = Buffer.from("user:correct-horse").toString("base64");
    expect(
      headerCredentials([
        ["Authorization", "Bearer abcdefgh"],
        ["x-goog-api-key", "goog-value"],
        ["Cookie", "a=first; b=second"],
        ["content-type", "application/json"],
        ["x-trace", "not a credential"],
      ]),
    ).toEqual(["abcdefgh", "goog-value", "first", "second"]);
    expect(withoutScheme(`Basic ${basic}`)).toEqual([basic, "user:correct-horse", "correct-horse"]);
  });
});

describe("URLs", () => {
  const CASES: [string, string, string[]][] = [
    ["https://h/v1/messages?beta=true", "https://h/v1/messages?beta=true", []],
    ["https://user:p%40ss@h:8080/a?b=c", "https://h:8080/a?b=c", ["p%40ss", "p@ss"]],
    ["https://tok@h/a", "https://h/a", ["tok", "tok"]],
    ["https://h/a@b?c=d@e", "https://h/a@b?c=d@e", []],
    ["https://h/g?alt=sse&key=AbC%2F1&x=%20", "https://h/g?alt=sse&key=[REDACTED]&x=%20", ["AbC%2F1", "AbC/1"]],
    ["https://h/?api_key=one&API-KEY=two", "https://h/?api_key=[REDACTED]&API-KEY=[REDACTED]", ["one", "one", "two", "two"]],
    ["https://h/?X-Amz-Signature=ab&sig=cd", "https://h/?X-Amz-Signature=[REDACTED]&sig=[REDACTED]", ["ab", "ab", "cd", "cd"]],
    ["https://h/#access_token=abc", "https://h/#access_token=[REDACTED]", ["abc", "abc"]],
    ["https://h/?max_tokens=5&keyboard=de&page=2", "https://h/?max_tokens=5&keyboard=de&page=2", []],
    ["https://h/?api-version=2024-10-01-preview&id=0b0f6a0e-3c1d-4d5e-9a52-1f6c3f1f7d11", "https://h/?api-version=2024-10-01-preview&id=0b0f6a0e-3c1d-4d5e-9a52-1f6c3f1f7d11", []],
    ["https://h/?q=9f86d081884c7d659a2feaa0c55ad015", "https://h/?q=[REDACTED]", ["9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015"]],
    [`https://h/k/${"sk-"}${"a1".repeat(12)}/x`, "https://h/k/[REDACTED]/x", [`sk-${"a1".repeat(12)}`, `sk-${"a1".repeat(12)}`]],
    ["https://h/?key=", "https://h/?key=", []],
    ["not a url", "not a url", []],
  ];
  for (const [raw, url, credentials] of CASES) {
    test(raw, () => expect(stripUrl(raw)).toEqual({ url, credentials }));
  }
});

describe("configuration and environment", () => {
  test("credentials in OpenCode's objects", () => {
    const config = {
      anthropic: { type: "api", key: "anthropic-value" },
      google: { type: "oauth", refresh: "refresh-value", access: "access-value", expires: 1 },
      mock: { options: { apiKey: "config-value", baseURL: "http://h", headers: { Authorization: "Bearer header-value" } } },
      mcp: { clientSecret: "client-value", model: "not-a-secret", maxTokens: "4096", keyFile: "/etc/x" },
    };
    expect(credentialsIn(config)).toEqual([
      "anthropic-value",
      "refresh-value",
      "access-value",
      "config-value",
      "header-value",
      "client-value",
    ]);
  });

  test("an object without an end is looked at for a bounded time", () => {
    const endless: Record<string, unknown> = { apiKey: "in-a-circle" };
    endless["self"] = endless;
    expect(new Set(credentialsIn(endless))).toEqual(new Set(["in-a-circle"]));
    expect(credentialsIn(Array.from({ length: 100_000 }, () => ({ apiKey: "many" }))).length).toBeLessThan(5000);
  });

  test("credentials in the environment", () => {
    const env = {
      OPENAI_API_KEY: "openai-value",
      GITHUB_TOKEN: "github-value",
      GOOGLE_APPLICATION_CREDENTIALS: "/home/dev/key.json",
      OUTPUT_TOKEN_MAX: "32000000",
      DATABASE_URL: "postgres://me:p%23ss@db:5432/x",
      PATH: "/usr/bin:/bin",
    };
    expect(credentialsInEnv(env)).toEqual(["openai-value", "github-value", "p%23ss", "p#ss"]);
  });

  test.each([
    ["postgres://me@db/x?sslmode=require&password=p%23ss", ["p%23ss", "p#ss"]],
    ["postgres://me@db/x?SSLPassword=one&application_name=x", ["one&application_name=x", "one"]],
    ["postgres://me:p@ss@db/x", ["p@ss", "p"]],
    ["postgres://me:p?s#s@db/x", ["p?s#s"]],
    ["host=db password=p&ss dbname=x", ["p&ss", "p"]],
    ["host=db password = 'it\\'s one' dbname=x", ["it's one"]],
    ["Server=db;Pwd=one;", ["one;", "one"]],
    ["postgres://me@db/x", []],
    ["nopassword=1", []],
  ])("the password in %s", (url, credentials) => {
    expect(credentialsInEnv({ AGENT_TRACE_DATABASE_URL: url })).toEqual(credentials);
  });
});

describe("echoes", () => {
  const credentials = new Credentials(new Uint8Array(16));
  credentials.learn(["secret-one", "secret-one-longer", 'quo"ted-secret', "short"], true);
  credentials.learn(["known-but-not-scrubbed"], false);
  const cleaned = (text: string) => Buffer.from(credentials.clean(Buffer.from(text))).toString();

  test("are replaced wherever they stand, the longer value first", () => {
    expect(cleaned("secret-one, secret-one-longer; ünd secret-onesecret-one")).toBe(
      "[REDACTED], [REDACTED]; ünd [REDACTED][REDACTED]",
    );
    expect(cleaned(JSON.stringify({ a: 'quo"ted-secret' }))).toBe('{"a":"[REDACTED]"}');
  });

  test("what has none is the very same array", () => {
    const bytes = Buffer.from("a short text, known-but-not-scrubbed");
    expect(credentials.clean(bytes)).toBe(bytes);
  });

  test("bytes that are not text stay as they are", () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0, 0x80]), Buffer.from("secret-one"), Buffer.from([0xfe])]);
    expect(Buffer.from(credentials.clean(bytes)).toString("hex")).toBe(
      Buffer.concat([Buffer.from([0xff, 0, 0x80]), Buffer.from("[REDACTED]"), Buffer.from([0xfe])]).toString("hex"),
    );
  });

  test("a print says whether the value is a token", () => {
    const token = (value: string) => credentials.print(Buffer.from(value)).token;
    expect(["sk-A1_b.c~d+e/f==", "pass word", "pässword", 'a"b', "a\nb", "a@b"].map(token)).toEqual([true, false, false, false, false, false]);
  });

  test("a value is printed once, and never when short", () => {
    expect(credentials.learn(["secret-one", "short", "another-secret"], false).map(({ length }) => length)).toEqual([14]);
  });
});
