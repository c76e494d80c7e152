import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { Answer } from "../../src/policy/answer.ts";
import { Subject } from "../../src/policy/conditions/condition.ts";
import { contains as kind } from "../../src/policy/conditions/contains.ts";
import { PayloadText } from "../../src/policy/matching/payload-text.ts";
import { Policy } from "../../src/policy/policy.ts";
import { call, decide } from "./calls.ts";

const ask = (contains: unknown, payload: object): Answer =>
  kind.compile(contains, () => {}, "deny").ask(new Subject(call({ payload })));

describe("contains", () => {
  it.each<[unknown, object, Answer]>([
    ["rm -rf", { command: "rm -rf /" }, "yes"],
    ["rm -rf", { command: "sudo RM -Rf /" }, "yes"],
    ["RM -RF", { command: "rm -rf /" }, "yes"],
    ["rm -rf", { a: { b: [{ c: "rm -rf /" }] } }, "yes"],
    ["rm -rf", { command: "ls" }, "no"],
    ["rm -rf", {}, "no"],
    ["password", { password: "x" }, "no"],
    ["null", { a: null }, "no"],
    [5, { n: 15 }, "yes"],
    ["0.1", { n: 0.1 }, "yes"],
    ["1e+21", { n: 1e21 }, "yes"],
    [true, { x: true }, "yes"],
    [true, { x: "It is TRUE" }, "yes"],
    [false, { x: 0 }, "no"],
    ["a\\b", { p: "a\\b" }, "yes"],
    ['a"b', { p: 'a"b' }, "yes"],
    ["\t", { p: "x\ty" }, "yes"],
    ["\0", { p: "a\0b" }, "yes"],
    ["\u200b", { p: "a\u200bb" }, "yes"],
    ["İ", { p: "i̇" }, "yes"],
    ["ΟΔΟΣ", { p: "ΟΔΟΣΑΒ" }, "yes"],
    ["οδος", { p: "ΟΔΟΣ" }, "yes"],
    ["Σ", { p: "ς" }, "maybe"],
    ["STRASSE", { p: "straße" }, "maybe"],
    ["straße", { p: "STRASSE" }, "maybe"],
    ["straße", { p: "Straße" }, "yes"],
    ["straße", { p: "STRAẞE" }, "yes"],
    ["ὈΔΟΣ", { p: "ὀδος" }, "yes"],
    ["ὀδοσ", { p: "ὀδος" }, "maybe"],
    ["ﬀ", { p: "FF" }, "maybe"],
    ["İstanbul", { p: "istanbul" }, "no"],
    [["curl", "wget"], { p: "WGET x" }, "yes"],
    [["curl", "wget"], { p: "ls" }, "no"],
  ])("%j in %j: %s", (contains, payload, answer) => {
    expect(ask(contains, payload)).toBe(answer);
  });

  it.each<[string, unknown, object]>([
    ["white space is collapsed", "rm -rf", { p: "rm \t\n -rf" }],
    ["the text searched for is collapsed as well", "rm   -rf", { p: "rm -rf" }],
    ["no-break and ideographic spaces are spaces", "rm -rf", { p: "rm\u00a0\u3000-rf" }],
    ["full-width letters are letters", "rm -rf", { p: "ｒｍ －ｒｆ" }],
    ["ligatures are letters", "office", { p: "oﬃce" }],
    ["decomposed letters are composed", "\u00e9t\u00e9", { p: "e\u0301te\u0301" }],
    ["zero-width characters are left out", "rm -rf", { p: "r\u200bm\u2060 -r\ufefff" }],
    ["soft hyphens and variation selectors are left out", "rm -rf", { p: "r\u00adm -rf\ufe0f" }],
    ["leaves are joined", "rm -rf", { args: ["rm", "-rf"] }],
    ["leaves are joined in key order", "rm -rf", { b: "-rf", a: "rm" }],
    ["numbers are joined too", "kill 9", { a: "kill", b: 9 }],
    ["all of it together", "rm -rf /", { b: ["\u00a0-r\u200bF", "/"], a: "ＲＭ" }],
  ])("answers maybe when %s", (_, contains, payload) => {
    expect(ask(contains, payload)).toBe("maybe");
  });

  it("does not search for what normalisation leaves blank", () => {
    expect(ask("\u200b", { p: "a b" })).toBe("no");
    expect(ask("\t", { p: "a b" })).toBe("no");
    expect(ask(" ", { p: ["a", "b"] })).toBe("no");
  });

  it("stops on maybe and permits only on yes", () => {
    const spread = { payload: { args: ["rm", "-rf"] } };
    const rule = "[{capability: shell, contains: rm -rf}]";
    expect(decide(`deny: ${rule}\nallow: [shell]`, spread).reason).toBe("policy_deny");
    expect(decide(`require_approval: ${rule}\nallow: [shell]`, spread).reason).toBe("approval_required");
    expect(decide(`allow: ${rule}`, spread).reason).toBe("policy_default_deny");
  });

  it.each([
    [{ a: "cat /etc", b: "/hosts" }, "policy_default_deny"],
    [{ a: "cat /etc", b: ["/ho", { c: "sts" }] }, "policy_default_deny"],
    [{ a: "cat /etc", b: "/hosts", c: { d: "x /ETC/hosts" } }, "policy_allow"],
    [{ a: "/etc/hos", b: "ts/etc/host", c: ["s", "/etc/hosts"] }, "policy_allow"],
  ])("permits by a text within one string, not by one that reaches into the next: %j", (payload, reason) => {
    expect(decide("allow: [{capability: shell, contains: /etc/hosts}]", { payload }).reason).toBe(reason);
  });
});

describe("PayloadText", () => {
  it("lists leaves in the order of RFC 8785: keys by UTF-16 code units, lists as they are", () => {
    const { payload } = call({
      payload: { "\ufb33": 5, "\u{1f600}": 4, ö: 3, "€": 3.5, "1": 1, "\r": 0, a: [true, "x", null] },
    });
    expect(new PayloadText(payload).leaves).toEqual(["0", "1", "true", "x", "3", "3.5", "4", "5"]);
  });

  it("is built once, and not for rules about other capabilities", () => {
    const built = vi.spyOn(String.prototype, "toLowerCase");
    onTestFinished(() => built.mockRestore());
    const countOf = (policy: string): number => {
      const checked = Policy.parse(policy);
      const event = call({ payload: { command: "LS -la" } });
      built.mockClear();
      checked.evaluate(event);
      return built.mock.contexts.filter((text) => String(text) === "LS -la").length;
    };
    expect(countOf("deny: [{capability: fs, contains: x}, fs]\nallow: [shell]")).toBe(0);
    expect(
      countOf("deny: [{capability: shell, contains: x}, {capability: shell, contains: [y, z]}]\nallow: [shell]"),
    ).toBe(1);
  });
});
