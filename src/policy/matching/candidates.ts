/** The rules that may concern requests of one kind, by section and in order; asked about one of them. */

import type { DecisionKind } from "../../event.ts";
import { fires, type Answer } from "../answer.ts";
import type { Condition, Subject } from "../conditions/condition.ts";
import { askRule, SECTIONS, type Rule } from "../rule.ts";
import type { Match } from "./capability-index.ts";
import { NOTHING, type Found, type TextFinder } from "./text-finder.ts";

type Ask = Condition["ask"];

/** Rules whose capability covers a request or part of it. */
export class Candidates {
  /** What completes the capability of the request. */
  readonly completion: string;
  /** Whether the request is malformed, so that no rule can be asked about it. */
  readonly malformed: boolean;
  /** Whether any of the rules heeds what the payload claims about the context. */
  readonly heedsClaims: boolean;
  /** Finds the rules that a text may concern. */
  readonly #finder: TextFinder | undefined;
  /**
   * What the other rules ask, section after section. It stands apart from the rules, so that those that do not fire are never
   * fetched from memory: with thousands of rules, that is what takes the time.
   */
  readonly #asks: readonly Ask[];
  /** Where the section behind `deny` begins in it, and the one behind that. */
  readonly #approvals: number;
  readonly #permissions: number;
  /** The rules that ask, each in the same place. */
  readonly #rules: readonly Rule[];

  constructor(
    asked: readonly Match<Rule>[],
    finders: readonly TextFinder[],
    about: Pick<Candidates, "completion" | "malformed" | "heedsClaims">,
  ) {
    const matches = SECTIONS.flatMap((section) => inOrder(section, asked));
    const count = (section: DecisionKind): number =>
      matches.filter(({ value }) => value.decision.decision === section).length;
    this.completion = about.completion;
    this.malformed = about.malformed;
    this.heedsClaims = about.heedsClaims;
    this.#finder = finders.length > 1 ? new Finders(finders) : finders[0];
    this.#asks = matches.map(askOf);
    this.#approvals = count("deny");
    this.#permissions = this.#approvals + count("require_approval");
    this.#rules = matches.map(({ value }) => value);
  }

  /** The rules that the event's text may concern, whatever their section. Those it cannot are not asked. */
  find({ text }: Subject): readonly Found[] {
    return this.#finder === undefined ? NOTHING : this.#finder.find(text);
  }

  /** The rule that denies, given what {@link find} found. */
  denial(found: readonly Found[], subject: Subject): Rule | undefined {
    return this.#firing("deny", 0, this.#approvals, found, subject);
  }

  /** The rule that asks for approval. */
  approval(found: readonly Found[], subject: Subject): Rule | undefined {
    return this.#firing("require_approval", this.#approvals, this.#permissions, found, subject);
  }

  /** The rule that allows. */
  permission(found: readonly Found[], subject: Subject): Rule | undefined {
    return this.#firing("allow", this.#permissions, this.#asks.length, found, subject);
  }

  /** The rule of a section that counts: of those that answer `yes` the first in the file, else the first that fires. */
  #firing(
    section: DecisionKind,
    from: number,
    to: number,
    found: readonly Found[],
    subject: Subject,
  ): Rule | undefined {
    let certain: Rule | undefined;
    let uncertain: Rule | undefined;
    for (let index = from; index < to; index += 1) {
      const answer = askFor(this.#asks[index], subject);
      if (answer === "yes") {
        certain = this.#rules[index];
        break;
      }
      if (uncertain === undefined && fires(section, answer)) uncertain = this.#rules[index];
    }
    for (let index = 0; index < found.length; index += 1) {
      const one = found[index];
      if (one?.section !== section) continue;
      const answer = one.holds ? one.capability : askRule(one.rule, one.capability, subject);
      if (answer === "yes") certain = earlier(certain, one.rule);
      else if (fires(section, answer)) uncertain = earlier(uncertain, one.rule);
    }
    return certain ?? uncertain;
  }
}

/** Several finders, of which each has rules of its own. */
class Finders implements TextFinder {
  readonly #finders: readonly TextFinder[];

  constructor(finders: readonly TextFinder[]) {
    this.#finders = finders;
  }

  find(text: Subject["text"]): readonly Found[] {
    return this.#finders.flatMap((finder) => finder.find(text));
  }
}

/** The rules of a section, the first in the file first. */
export function inOrder(section: DecisionKind, matches: readonly Match<Rule>[]): readonly Match<Rule>[] {
  return matches
    .filter(({ value }) => value.decision.decision === section)
    .toSorted((left, right) => left.value.order - right.value.order);
}

/** The one condition of most rules, which many rules share; else all conditions of a rule. */
function askOf({ value: rule, answer }: Match<Rule>): Ask {
  const [only, ...others] = rule.conditions;
  return only !== undefined && others.length === 0 && answer === "yes"
    ? only.ask
    : (subject) => askRule(rule, answer, subject);
}

/** As {@link askCondition}: what fails has understood nothing. */
function askFor(ask: Ask | undefined, subject: Subject): Answer {
  try {
    return ask === undefined ? "maybe" : ask(subject);
  } catch {
    return "maybe";
  }
}

function earlier(left: Rule | undefined, right: Rule): Rule {
  return left === undefined || right.order < left.order ? right : left;
}
