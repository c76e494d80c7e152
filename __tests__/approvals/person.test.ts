import { expect, it } from "vitest";

import { isSamePerson } from "../../src/approvals/person.ts";

it.each([
  ["pay-agent", "Pay-Agent"],
  ["pay-agent", " pay-agent\n"],
  ["pay-agent", "pay\u200b-\u00adagent"],
  ["pay-agent", "ｐａｙ-agent"],
  ["pay-agent", "p\u0430y-\u0430gent"],
  ["pay-agent", "\u0440\u0430\u0443-agent"],
  ["PAY-AGENT", "\u0420\u0410\u0423-\u0410GENT"],
  ["pay-agent", "pay\u2010agent"],
  ["pay-agent", "p\u00e1y-agent"],
  ["stra\u00dfe", "STRASSE"],
  ["\u0130lker", "ilker"],
])("%j is %j", (left, right) => {
  expect(isSamePerson(left, right)).toBe(true);
  expect(isSamePerson(right, left)).toBe(true);
});

it.each([
  ["pay-agent", "pay-agents"],
  ["agent-1", "agent-2"],
  ["alice", "bob"],
  ["\u0430\u043d\u043d\u0430", "\u0438\u0432\u0430\u043d"],
])("%j is not %j", (left, right) => {
  expect(isSamePerson(left, right)).toBe(false);
});
