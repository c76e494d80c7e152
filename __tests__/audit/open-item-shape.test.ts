import { describe, expect, it } from "vitest";

import { OpenItemsRegister } from "../../src/audit/open-items/open-items.ts";
import { apply, grant, nested, request, T1, type Members } from "./recorded-approvals.ts";

describe("whoever computes hashes can write anything:", () => {
  it.each<readonly [string, Members, boolean]>([
    ...["id", "event", "actor", "action", "resource", "capability", "environment", "policy", "digest", "shown"].flatMap(
      (name) => [
        [`without ${name}`, { [name]: undefined }, false] as const,
        [`whose ${name} is no text`, { [name]: 7 }, false] as const,
      ],
    ),
    ...["scope", "session", "tool", "riskLevel"].flatMap((name) => [
      [`with ${name}`, { [name]: "x" }, true] as const,
      [`whose ${name} is no text`, { [name]: {} }, false] as const,
    ]),
    ["with a rule", { rule: { id: "allow[0]" } }, true],
    ["whose rule has no name", { rule: {} }, false],
    ["whose rule's name is no text", { rule: { id: 7 } }, false],
    ["whose rule is null", { rule: null }, false],
    ["whose rule is text", { rule: "allow[0]" }, false],
    ["that never ends", { expires: undefined }, false],
    ["whose end is a number", { expires: 7 }, false],
    ["whose end has no milliseconds", { expires: "2026-01-15T11:00:00Z" }, false],
    ["whose end is in another zone", { expires: "2026-01-15T11:00:00.000+01:00" }, false],
    ["whose end has something before it", { expires: `x${T1}` }, false],
    ["whose end has something behind it", { expires: `${T1}x` }, false],
    ["whose end has a year of five digits", { expires: `1${T1}` }, false],
    ["with a list", { context: { list: [1, null, "x"] } }, true],
    ["nested as deep as may be", { context: nested(99) }, true],
    ["nested deeper", { context: nested(100) }, false],
    ["with a number that no double holds", { more: JSON.parse("[1e999]") as unknown }, false],
    ["with half of a surrogate pair", { actor: "\uD800" }, false],
    ["with half of a surrogate pair in a name", { more: { "\uDC00": 1 } }, false],
    ["with a whole surrogate pair", { actor: "\u{1F600}" }, true],
  ])("a request %s is kept: %#", (_name, members, isKept) => {
    const register = new OpenItemsRegister();
    expect(apply(register, request(1, "q", members))).toBe(isKept ? undefined : "such a request can't be");
    expect(register.requests.size).toBe(isKept ? 1 : 0);
  });

  it.each<readonly [string, Members, boolean]>([
    ...["id", "actor", "capability", "environment", "by", "user"].map(
      (name) => [`whose ${name} is no text`, { [name]: 7 }, false] as const,
    ),
    ...["session", "note"].flatMap((name) => [
      [`with ${name}`, { [name]: "x" }, true] as const,
      [`whose ${name} is no text`, { [name]: 7 }, false] as const,
    ]),
    ["of one call", { uses: 1 }, true],
    ["of no call", { uses: 0 }, false],
    ["of less than none", { uses: -1 }, false],
    ["of half a call", { uses: 0.5 }, false],
    ["of calls counted in text", { uses: "3" }, false],
    ["that never ends", { expires: undefined }, false],
    ["nested deeper than ours", { more: nested(100) }, false],
  ])("a grant %s is kept: %#", (_name, members, isKept) => {
    const register = new OpenItemsRegister();
    expect(apply(register, grant(1, "g", members))).toBe(isKept ? undefined : "such a grant can't be");
    expect(register.grants.size).toBe(isKept ? 1 : 0);
  });
});
