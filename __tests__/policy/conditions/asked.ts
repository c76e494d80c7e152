/** Asks one condition about one payload, as a rule of a section would. */

import { expect } from "vitest";

import type { DecisionKind } from "../../../src/event.ts";
import type { Answer } from "../../../src/policy/answer.ts";
import { Subject } from "../../../src/policy/conditions/condition.ts";
import { CONDITIONS } from "../../../src/policy/conditions/index.ts";
import { call } from "../calls.ts";

const report = (_: unknown, message: string): never => {
  throw new Error(message);
};

/** What the condition answers; it must also say why. */
export function asked(section: DecisionKind, key: string, value: unknown, payload: object): Answer {
  const kind = CONDITIONS[key];
  if (kind === undefined) throw new Error(`no condition ${key}`);
  const condition = kind.compile(value, report, section);
  const subject = new Subject(call({ payload }));
  expect(condition.why(subject)).toMatch(/\S/);
  return condition.ask(subject);
}
