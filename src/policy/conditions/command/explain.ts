/** Why rules about commands answer as they do: the commands of a script, each with what keeps it from a yes. */

import type { DecisionKind } from "../../../event.ts";
import type { Given } from "./given.ts";
import { allOf, type PartAnswers } from "./part-answers.ts";
import { permits } from "./permits.ts";
import { restricts } from "./restricts.ts";
import type { CommandRule } from "./rule.ts";
import type { Command } from "./script.ts";
import { HOLE } from "./word.ts";

/** Most commands that are shown, and how much of each. */
const MAX_SHOWN = 12;
const MAX_TEXT = 80;

/** One line about what is given: every command with its answer, then what can't be told. */
export function explain(
  rules: readonly CommandRule[],
  { scripts, lookalikes, doubt }: Given,
  section: DecisionKind,
): string {
  const said = doubt === undefined ? [] : [doubt];
  for (const { commands, unseen, guesses, undecidable } of scripts) {
    for (const command of commands.slice(0, MAX_SHOWN)) said.push(describe(command, nearest(rules, command, section)));
    if (commands.length > MAX_SHOWN) said.push(`and ${commands.length - MAX_SHOWN} more`);
    said.push(...unseen.map((reason) => `more may run: ${reason}`));
    if (section === "allow") said.push(...undecidable);
    else said.push(...guesses.slice(0, MAX_SHOWN).map((text) => `${shorten(text)} may be code that runs more`));
    const most = Math.max(...rules.map(({ maxCommands = Number.POSITIVE_INFINITY }) => maxCommands));
    if (commands.length > most) said.push(`it has ${commands.length} commands, and at most ${most} are meant`);
  }
  if (lookalikes.length > 0) said.push("it has characters that look like others, or cannot be seen");
  return said.length === 0 ? "it has no command" : [...new Set(said)].join("; ");
}

/** What the rule says that a command misses the least of. */
function nearest(rules: readonly CommandRule[], command: Command, section: DecisionKind): PartAnswers {
  const ask = section === "allow" ? permits : restricts;
  const [first = [], ...others] = rules.map((rule) => ask(rule, command));
  return others.reduce((best, parts) => (distance(parts) < distance(best) ? parts : best), first);
}

function distance(parts: PartAnswers): number {
  const [first] = parts;
  // Another program is further away than anything else can be.
  const start = first?.[1] === "no" ? parts.length + MAX_SHOWN : 0;
  return parts.filter(([, answer]) => answer !== "yes").length + start;
}

function describe({ words, assignments, via, certain }: Command, parts: PartAnswers): string {
  const names = assignments.map(({ name }) => `${name}=…`);
  const text = [...names, ...words.map((word) => word.text)].join(" ");
  const shown = shorten(text);
  const origin = via === undefined ? "" : ` ${certain ? "run" : "perhaps run"} by ${via}`;
  const answer = allOf(parts);
  const missing = parts.filter(([, each]) => each !== "yes").map(([part, each]) => `${part}: ${each}`);
  return `${shown}${origin} ${answer}${missing.length === 0 ? "" : ` (${missing.join(", ")})`}`;
}

function shorten(text: string): string {
  const plain = text.replaceAll(HOLE, "…");
  return JSON.stringify(plain.length > MAX_TEXT ? `${plain.slice(0, MAX_TEXT)}…` : plain);
}
