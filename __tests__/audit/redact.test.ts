import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cutTexts, MAX_RECORDED, redact } from "../../src/audit/recording/redact.ts";
import { withoutSecrets } from "../../src/audit/recording/secrets.ts";
import type { JsonObject } from "../../src/snapshot.ts";

describe("redaction by path", () => {
  const payload: JsonObject = {
    password: "p",
    user: { token: "t", name: "n", deep: { token: "d" } },
    "auth.token": "dotted",
    auth: { token: "nested" },
    items: [{ card: 1 }, { card: 2 }],
    nothing: null,
  };

  it.each<[string[], JsonObject, string[]]>([
    [["password"], { ...payload, password: "[redacted]" }, ["password"]],
    [["token"], payload, []],
    [["auth.token"], { ...payload, "auth.token": "[redacted]", auth: { token: "[redacted]" } }, ["auth.token"]],
    [
      ["*.token"],
      {
        ...payload,
        user: { token: "[redacted]", name: "n", deep: { token: "d" } },
        auth: { token: "[redacted]" },
      },
      ["*.token"],
    ],
    [["items.1.card"], { ...payload, items: [{ card: 1 }, { card: "[redacted]" }] }, ["items.1.card"]],
    [["items.*.card"], { ...payload, items: [{ card: "[redacted]" }, { card: "[redacted]" }] }, ["items.*.card"]],
    [["user"], { ...payload, user: "[redacted]" }, ["user"]],
    [["nothing"], { ...payload, nothing: "[redacted]" }, ["nothing"]],
    [["missing", "user.missing", "password.x", "items.9.card"], payload, []],
  ])("leaves out what is at %j", (paths, json, redacted) => {
    expect(redact(payload, paths)).toEqual({ json, redacted });
  });

  it("keeps a member called __proto__ a member", () => {
    const hostile = JSON.parse('{"__proto__": {"token": "t", "a": 1}, "b": 2}') as JsonObject;
    const { json } = redact(hostile, ["__proto__.token"]);
    expect(JSON.stringify(json)).toBe('{"__proto__":{"token":"[redacted]","a":1},"b":2}');
    expect(Object.getPrototypeOf(json)).toBe(Object.prototype);
  });

  it("changes nothing when there is nothing to leave out", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const json = value as JsonObject;
        const { json: kept, redacted } = redact(json, []);
        expect(redacted.length > 0 || kept === json).toBe(true);
      }),
    );
  });
});

describe("secrets recognised by their form", () => {
  it.each([
    ["AWS access key", `AKIA${"A1".repeat(8)}`],
    ["GitHub token", `ghp_${a(36)}`],
    ["GitHub token", `github_pat_${a(22)}`],
    ["GitLab token", `glpat-${a(20)}`],
    ["Slack token", `xoxb-${a(12)}`],
    ["Stripe key", `sk_live_${a(24)}`],
    ["Google API key", `AIza${a(35)}`],
    ["npm token", `npm_${a(36)}`],
    ["model provider key", `sk-${a(24)}`],
    ["JSON Web Token", `eyJ${a(10)}.eyJ${a(10)}.${a(10)}`],
    ["signing key", `PRIVATE+KEY+me+01234567+${a(44)}`],
  ])("%s: found in the middle of a command, at the ends, and twice", (name, secret) => {
    const marker = `[redacted: ${name}]`;
    for (const text of [secret, `curl -H "X: ${secret}" x`, `${secret} ${secret}`]) {
      const { text: safe, found } = withoutSecrets(text);
      expect(safe).toBe(text.replaceAll(secret, marker));
      expect(found).toEqual([name]);
    }
  });

  it("finds a private key, whole or cut off", () => {
    const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${a(80)}\n`;
    expect(withoutSecrets(`x ${key}-----END OPENSSH PRIVATE KEY-----`).text).not.toContain(a(10));
    expect(withoutSecrets(`x ${key}`).text).not.toContain(a(10));
  });

  it("finds the password in a URL", () => {
    expect(withoutSecrets("psql postgres://me:hunter2@db.example/x").text).toBe(
      "psql [redacted: password in a URL]db.example/x",
    );
  });

  it.each(["ls -la /tmp", "sk-short", "https://example.com:8080/a@b", "eyJ.eyJ.x", "AKIA", "a: b", ""])(
    "leaves %j as it is",
    (text) => {
      expect(withoutSecrets(text)).toEqual({ text, found: [] });
    },
  );
});

describe("a payload that is too large to be recorded whole", () => {
  it("keeps the beginning of each long text and says how long it was", () => {
    const payload = { short: "s", long: "é".repeat(100_000), list: ["x".repeat(2_000)] };
    const json = cutTexts(payload);
    expect(json).toEqual({
      short: "s",
      long: `${"é".repeat(1_024)}[cut: 98976 more characters]`,
      list: [`${"x".repeat(1_024)}[cut: 976 more characters]`],
    });
  });

  it("splits no character", () => {
    const json = cutTexts({ long: `${"x".repeat(1_023)}😀${"x".repeat(70_000)}` });
    expect(JSON.stringify(json)).toSatisfy((text: string) => text.isWellFormed());
  });

  it("is left out when it is too large even so", () => {
    expect(cutTexts({ many: Array<string>(MAX_RECORDED).fill("xy") })).toBeUndefined();
  });
});

function a(count: number): string {
  return "a".repeat(count);
}
