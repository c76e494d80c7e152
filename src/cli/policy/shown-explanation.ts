/** Explanations as tables: each rule that could apply, what each of its conditions answers, and why. */

import type { Decision, RuleReference } from "../../event.ts";
import type { Answer } from "../../policy/answer.ts";
import type { Explanation, RuleExplanation } from "../../policy/explain.ts";
import type { Obstacles } from "../../policy/why-not-allow.ts";
import type { Host } from "../host.ts";
import { Table } from "../table.ts";
import { coloursFor, visible } from "../terminal.ts";

const HEADER = ["", "rule", "condition", "answer", "why"] as const;
const ANSWER_COLUMN = HEADER.indexOf("answer");
const MARK = "→";

/** Where the reasons are cut: they may quote the payload. */
const MAX_WHY = 1_000;

/** A decision and the rule that made it, in a few words; text from outside is escaped. */
export function describeDecision({ decision, reason, rule, riskLevel }: Decision): string {
  const by =
    riskLevel === undefined || riskLevel.action === "warn" ? describeRule(rule) : `, by risk level ${riskLevel.level}`;
  return `${decision} (${reason})${by}`;
}

/** What `capfence policy explain` prints. */
export function describeExplanation(explanation: Explanation, host: Host): string {
  const { decision, request, rules, risk, approvalAskedByHost, payloadProblem } = explanation;
  const notes = [
    ...(payloadProblem === undefined ? [] : [`The payload cannot be judged, so no rule is asked: ${payloadProblem}.`]),
    ...(request === undefined ? ["The capability is malformed, so no rule is asked."] : []),
    ...(risk === undefined ? [] : [`The risk level ${risk.level} means ${risk.action}, where no rule is stricter.`]),
    ...(approvalAskedByHost ? ["The host's context asks for approval of whatever would be allowed."] : []),
    ...(rules.length === 0 && request !== undefined && payloadProblem === undefined
      ? [`No rule is about ${request}.`]
      : []),
  ];
  return [
    `${headline(decision, host)}\n`,
    ...notes.map((note) => `${visible(note)}\n`),
    ...(rules.length === 0 ? [] : [`\n${describeRules(rules, explanation.request ?? "", host)}`]),
  ].join("");
}

/** What `capfence policy explain --why-not allow` prints. */
export function describeObstacles(obstacles: Obstacles, explanation: Explanation, host: Host): string {
  const { allowed, blockers, risk, approvalAskedByHost, problem, nearest } = obstacles;
  if (allowed) return `${headline(explanation.decision, host)}\nNothing stands in its way.\n`;
  const notes = [
    ...(problem === undefined ? [] : [`Nothing can allow it: ${problem}.`]),
    ...(risk === undefined ? [] : [`Its risk level ${risk.level} means ${risk.action}.`]),
    ...(approvalAskedByHost ? ["The host's context asks for approval of whatever would be allowed."] : []),
    ...(problem === undefined && nearest.length === 0 ? ["The policy has no allow rules."] : []),
  ];
  return [
    `${headline(explanation.decision, host)}\n`,
    ...notes.map((note) => `${visible(note)}\n`),
    ...(blockers.length === 0
      ? []
      : [`\nThese rules stop it, each of them alone:\n${describeRules(blockers, explanation.request ?? "", host)}`]),
    ...(nearest.length === 0
      ? []
      : [
          `\nThe nearest allow rules; all that is not yes is missing:\n${describeRules(nearest, explanation.request ?? "", host)}`,
        ]),
  ].join("");
}

function headline(decision: Decision, host: Host): string {
  const { green, red, yellow } = coloursFor(host);
  const paint = { allow: green, deny: red, require_approval: yellow }[decision.decision];
  const [first = "", ...rest] = describeDecision(decision).split(" ");
  return [paint(first), ...rest].join(" ");
}

function describeRule(rule: RuleReference | undefined): string {
  if (rule === undefined) return "";
  return `, by ${visible(rule.id)} at ${visible(rule.source.file)}:${rule.source.line}`;
}

/** What a rule of a table answers; `unknown` where a record does not say enough. */
type ShownRule = Pick<RuleExplanation, "rule" | "capability" | "winner"> & {
  readonly conditions: readonly { readonly key: string; readonly answer: Answer | "unknown"; readonly why: string }[];
  readonly answer: Answer | "unknown";
  /** Whether it takes effect; absent when nobody can say. */
  readonly fires?: boolean;
};

/** A table of rules, and what each of their conditions answers about `request`. */
export function describeRules(rules: readonly ShownRule[], request: string, host: Host): string {
  const { green, red, yellow } = coloursFor(host);
  const colours: Readonly<Record<Answer, (text: string) => string>> = { yes: green, maybe: yellow, no: red };
  const paint = (shown: string, column: number, text: string): string =>
    column === ANSWER_COLUMN && Object.hasOwn(colours, text) ? colours[text as Answer](shown) : shown;
  return new Table(HEADER, paint, MAX_WHY).lines(rules.flatMap((rule) => rowsOf(rule, request)));
}

/** A rule, then what it is about, then each of its conditions. */
function rowsOf({ rule, capability, conditions, answer, fires, winner }: ShownRule, request: string): string[][] {
  const { id, section, source } = rule;
  const covers = { yes: "covers", maybe: "covers part of", no: "does not cover" }[capability.answer];
  const what = winner ? "decides" : effect(section, answer, fires);
  return [
    [winner ? MARK : "", id, section, answer, `${source.file}:${source.line} ${what}`],
    ["", "", "capability", capability.answer, `${capability.pattern} ${covers} ${request}`],
    ...conditions.map(({ key, answer: said, why }) => ["", "", key, said, why]),
  ];
}

function effect(section: string, answer: Answer | "unknown", applies: boolean | undefined): string {
  if (answer === "unknown" || applies === undefined) return "may apply";
  if (applies) return "applies, but does not decide";
  return section === "allow" && answer === "maybe" ? "does not apply, since an allow needs yes" : "does not apply";
}
