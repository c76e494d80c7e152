/** `match_regex`: a regular expression, or any of several, found in one value of the payload. */

import { EXPRESSION, oneOrList } from "../document/json-schema.ts";
import { listed, type ConditionKind, type ReportProblem } from "./condition.ts";
import { compileExpression, search, type Expression } from "./expression.ts";

/** `yes` when an expression has a match in a leaf. `maybe` when that is unknown because the payload is too long. */
export const matchRegex: ConditionKind = {
  schema: oneOrList(
    EXPRESSION,
    "a list of regular expressions",
    "Holds when any expression (RE2) is found in any value of the payload. Anchor with ^ and $ to match whole values.",
  ),
  compile: (value, report) => {
    const expressions = compileExpressions(value, report);
    return {
      search: "leaves",
      ask: ({ text }) => search(expressions, text.leaves),
      why: ({ text }) => {
        const found = expressions.find((expression) => search([expression], text.leaves) === "yes");
        if (found !== undefined) return `a value matches ${JSON.stringify(found.source)}`;
        return search(expressions, text.leaves) === "maybe" ? "the payload is too long to search" : "no value matches";
      },
    };
  },
};

/** The expressions of a value that is one or a list of them; those with problems are reported and left out. */
export function compileExpressions(value: unknown, report: ReportProblem): readonly Expression[] {
  return listed(value).flatMap((source, index) => {
    const compiled = compileExpression(String(source));
    if (typeof compiled !== "string") return compiled;
    report(Array.isArray(value) ? [index] : [], compiled);
    return [];
  });
}
