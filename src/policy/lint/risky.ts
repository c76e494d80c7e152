/** Rules that say less, or more, than they seem to. */

import { listed } from "../conditions/condition.ts";
import type { WrittenRule } from "../rule.ts";
import { warnAt, type PolicyWarning } from "./warning.ts";

/** First segments of capabilities under which a shell runs commands. */
const SHELLS: ReadonlySet<string> = new Set(["shell", "bash", "sh", "terminal", "command"]);

/** `contains` about commands: a shell has many spellings for one command. */
export function containsOnShell(rules: readonly WrittenRule[]): readonly PolicyWarning[] {
  return rules.flatMap((rule) => {
    if (rule.fields["contains"] === undefined || !SHELLS.has(rule.capability.split(".")[0] ?? "")) return [];
    const message =
      rule.decision.decision === "allow"
        ? "allows any command line with this text somewhere in it; list the commands that are meant under `command`"
        : "a shell has other spellings for this command that the text does not match; use `command`, which reads it as a shell does";
    return warnAt(rule, "contains-on-shell", message, ["contains"]);
  });
}

/** `command` in an allow rule without a `program`: whatever is on the search path may run with these arguments. */
export function allowsAnyProgram(rules: readonly WrittenRule[]): readonly PolicyWarning[] {
  return rules.flatMap((rule) => {
    const { command } = rule.fields;
    if (rule.decision.decision !== "allow" || command === undefined) return [];
    return listed(command).flatMap((each, index) => {
      if (typeof each !== "object" || each === null || "program" in each) return [];
      const part = Array.isArray(command) ? ["command", index] : ["command"];
      return warnAt(
        rule,
        "any-program",
        "allows every program, also those that nobody knows; name them in `program`",
        part,
      );
    });
  });
}

/** Allow rules for every capability there is. */
export function allowsEverything(rules: readonly WrittenRule[]): readonly PolicyWarning[] {
  return rules.flatMap((rule) => {
    if (rule.decision.decision !== "allow" || !/^\*(?:\.\*)*$/.test(rule.capability)) return [];
    return warnAt(
      rule,
      "allow-everything",
      "allows every capability, also of tools that are added later; name those that are meant",
    );
  });
}
