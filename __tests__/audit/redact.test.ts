import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cutTexts, MAX_RECORDED, redact } from "../../src/audit/recording/redact.ts";
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

describe("members whose names hold a secret", () => {
  const MARK = "[redacted: GitHub token]";

  it.each<readonly [string, JsonObject, JsonObject]>([
    ["one", { [token("a")]: 1, b: 2 }, { [MARK]: 1, b: 2 }],
    [
      "several of one kind",
      { [token("a")]: 1, [token("b")]: 2, [token("c")]: 3 },
      { [MARK]: 1, [`${MARK} (2)`]: 2, [`${MARK} (3)`]: 3 },
    ],
    [
      "beside one that really has the name",
      { [token("a")]: 1, [token("b")]: 2, [MARK]: 3, [`${MARK} (3)`]: 4 },
      { [`${MARK} (2)`]: 1, [`${MARK} (4)`]: 2, [MARK]: 3, [`${MARK} (3)`]: 4 },
    ],
    [
      "where one's name becomes what another's was made to be",
      { [token("a")]: 1, [token("b")]: 2, [`${token("c")} (2)`]: 3 },
      { [MARK]: 1, [`${MARK} (2)`]: 2, [`${MARK} (2) (2)`]: 3 },
    ],
    [
      "within one another",
      { [token("a")]: { [token("a")]: 1, [token("b")]: 2 } },
      { [MARK]: { [MARK]: 1, [`${MARK} (2)`]: 2 } },
    ],
  ])("keep their values, each under a name of its own: %s", (_, payload, json) => {
    expect(redact(payload, [])).toEqual({ json, redacted: ["GitHub token"] });
  });

  it("keep their values when a payload has nothing else", () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `ghp_${String(index).padStart(36, "0")}`);
    const { json } = redact(Object.fromEntries(names.map((name, index) => [name, index])), []);
    expect(Object.values(json)).toEqual(names.map((_, index) => index));
  });
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

function token(letter: string): string {
  return `ghp_${letter.repeat(36)}`;
}
