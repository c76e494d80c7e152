/** What rules about commands answer about all that a payload asks to run. */

import { both, either, type Answer } from "../../answer.ts";
import type { Given } from "./given.ts";
import { allOf } from "./part-answers.ts";
import { permits } from "./permits.ts";
import { restricts } from "./restricts.ts";
import type { CommandRule } from "./rule.ts";
import type { Command, Script } from "./script.ts";

/** For rules that restrict: whether any command is, or may be, what any of the rules is about. */
export function stops(rules: readonly CommandRule[], { scripts, lookalikes, doubt }: Given): Answer {
  let answer: Answer = doubt === undefined ? "no" : "maybe";
  for (const rule of rules) {
    for (const script of scripts) {
      answer = either(answer, stopsScript(rule, script));
      if (answer === "yes") return answer;
    }
    if (answer === "no" && lookalikes.some((script) => stopsScript(rule, script) !== "no")) answer = "maybe";
  }
  return answer;
}

function stopsScript(rule: CommandRule, script: Script): Answer {
  const { commands, unseen, guesses } = script;
  let answer: Answer;
  if (rule.opaque === false && unseen.length > 0) answer = "no";
  else if (isOnlyAboutOpaque(rule)) answer = isOpaque(script) === rule.opaque ? "yes" : "no";
  else {
    answer = unseen.length > 0 ? "maybe" : "no";
    for (const command of commands) {
      answer = either(answer, allOf(restricts(rule, command)));
      if (answer === "yes") break;
    }
    if (answer === "no" && guesses.some((text) => mentions(rule, text))) answer = "maybe";
  }
  return both(answer, countAnswer(rule, script));
}

/** Whether the name of one of the rule's programs stands anywhere in a text. */
function mentions({ programs = [] }: CommandRule, text: string): boolean {
  const searched = ` ${text.toLowerCase()} `;
  return programs.some((program) => {
    const [before = "", ...after] = searched.split(program.slice(program.lastIndexOf("/") + 1).toLowerCase());
    // The names of other programs may begin or end alike: `rmdir`, `alarm`.
    return after.some(
      (rest, index) => !/\w$/.test((index === 0 ? before : after[index - 1]) ?? "") && !/^\w/.test(rest),
    );
  });
}

function isOpaque({ commands, unseen }: Script): boolean {
  return unseen.length > 0 || commands.some(({ certain, opaque }) => certain && opaque.length > 0);
}

/** Whether a rule asks for nothing but whether the text tells what runs. */
function isOnlyAboutOpaque(rule: CommandRule): boolean {
  return (
    rule.opaque !== undefined &&
    Object.entries(rule).every(([key, value]) => key === "opaque" || key === "maxCommands" || value === undefined)
  );
}

/** For rules that allow: whether every command surely is what one of the rules is about, and nothing is left to guess. */
export function allows(rules: readonly CommandRule[], { scripts, lookalikes, doubt }: Given): Answer {
  if (scripts.length === 0) return doubt === undefined ? "no" : "maybe";
  let answer: Answer = doubt === undefined && lookalikes.length === 0 ? "yes" : "maybe";
  for (const script of scripts) answer = both(answer, allowsScript(rules, script));
  return answer;
}

function allowsScript(rules: readonly CommandRule[], script: Script): Answer {
  const { commands, unseen, undecidable } = script;
  const own = commands.filter(({ certain }) => certain);
  if (own.length === 0) return "no";
  let answer: Answer = unseen.length > 0 || undecidable.length > 0 ? "maybe" : "yes";
  for (const command of own) answer = both(answer, permitted(rules, command, script));
  return answer;
}

function permitted(rules: readonly CommandRule[], command: Command, script: Script): Answer {
  let answer: Answer = "no";
  for (const rule of rules) {
    answer = either(answer, both(allOf(permits(rule, command)), countAnswer(rule, script)));
    if (answer === "yes") break;
  }
  return answer;
}

function countAnswer({ maxCommands }: CommandRule, { commands, unseen }: Script): Answer {
  if (maxCommands === undefined) return "yes";
  if (commands.filter(({ certain }) => certain).length > maxCommands) return "no";
  return unseen.length > 0 ? "maybe" : "yes";
}
