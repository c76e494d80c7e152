/** What a condition of a rule is: compiled once from YAML, then asked about events. */

import type { ActionEvent, DecisionKind } from "../../event.ts";
import type { Answer } from "../answer.ts";
import type { JsonSchema } from "../document/json-schema.ts";
import { PayloadText } from "../matching/payload-text.ts";

/** Fields of a payload by which it claims something that only the host knows. */
const CLAIMS = ["environment", "user_role", "tenant", "tool_name", "risk_level", "caller_depth"] as const;

/** One event under judgement, with what several conditions share. */
export class Subject {
  readonly event: ActionEvent;
  /** The payload's text; made when it is first asked for. */
  readonly text: PayloadText;
  /** Whether what the payload claims about the context is heeded, as far as a claim can be: up to a `maybe`. */
  readonly heedsClaims: boolean;

  constructor(event: ActionEvent, text: PayloadText = new PayloadText(event.payload), heedsClaims = true) {
    this.event = event;
    this.text = text;
    this.heedsClaims = heedsClaims;
  }

  /** Whether the payload claims anything about the context. */
  get hasClaims(): boolean {
    const { payload } = this.event;
    // Nearly no payload has any. Fields that are read by their names are found quickest.
    const { environment, user_role, tenant, tool_name, risk_level, caller_depth } = payload;
    if (environment === undefined && user_role === undefined && tenant === undefined)
      if (tool_name === undefined && risk_level === undefined && caller_depth === undefined) return false;
    return CLAIMS.some((field) => Object.hasOwn(payload, field));
  }

  /** The same event, as if its payload claimed nothing about the context. */
  withoutClaims(): Subject {
    return this.hasClaims ? new Subject(this.event, this.text, false) : this;
  }
}

/** A condition of one rule. */
export interface Condition {
  /** Answers for one event. Synchronous and pure. */
  readonly ask: (subject: Subject) => Answer;
  /** Why it answers so, in a few words for people. Asked only when a decision is explained. */
  readonly why: (subject: Subject) => string;
  /** Loads what it needs to give its final answers; until then it answers `maybe`. Absent when nothing is needed. */
  readonly ready?: () => Promise<void>;
  /** Whether it heeds what the payload claims about the context. */
  readonly heedsClaims?: boolean;
  /**
   * Texts of which one must be in the payload, or the answer is `no`: for every payload on which it answers `yes` or `maybe`,
   * one of the {@link Needle.texts} of a needle is in one of the forms that are `searched`. Rules are passed over by that, so
   * what looks for a needle in another form has to name it there. Absent when there are none.
   */
  readonly needles?: readonly Needle[];
  /** Whether it answers `yes` wherever a leaf has one of its needles, in any case of letters. */
  readonly needlesDecide?: boolean;
  /** How it searches the payload's text, so that a part of the text may say enough. Absent when it looks elsewhere. */
  readonly search?: TextSearch;
  /** What its answer is made of, so that some of it may say enough. Absent when the condition is asked as a whole. */
  readonly made?: (subject: Subject) => Composition;
}

/**
 * `pieces`: a text is found wherever a piece of a leaf has it, however much else there is. `leaves`: something is found
 * in whole leaves, in their order, and not behind a certain length, so that what comes before counts.
 */
type TextSearch = "pieces" | "leaves";

/** Several answers, and how they are put together: `together` of one after the other, in any order. No answers are a `no`. */
interface Composition {
  readonly together: (left: Answer, right: Answer) => Answer;
  readonly answers: readonly (() => Answer)[];
}

/** A text that is searched for, in the forms in which it is searched. */
export interface Needle {
  readonly text: string;
  /** Lower-case forms, as `caseForms` gives them. */
  readonly forms: readonly string[];
  /** Whether only strings can have them, as `isOnlyInStrings` says. */
  readonly onlyInStrings: boolean;
  /** `undefined` when nothing but white space or ignorable characters would be left to search for. */
  readonly normalised: string | undefined;
  /** As `normalised`, in the form that `uncompose` gives. */
  readonly uncomposed: string | undefined;
  /** Everything above that is searched for, each once. */
  readonly texts: readonly string[];
}

/**
 * Tells of a problem the JSON Schema cannot express. `path` leads from the condition's value to the part at fault, and is
 * empty for the value itself; `message` is the rest of a sentence about it.
 */
export type ReportProblem = (path: readonly (string | number)[], message: string) => void;

/** A kind of condition: what may be written under its key in a rule, and what that means. */
export interface ConditionKind {
  /** The shape of its value. Titles finish the sentence "must be …"; descriptions are for editors. */
  readonly schema: JsonSchema;
  /** Whether numbers in its value stand for text, so that they have to be written as JSON writes them. */
  readonly readsNumbersAsText?: boolean;
  /**
   * Makes a condition of a value that the schema has accepted. Runs once, when the policy is loaded. `section` is that of
   * the rule, since what a restriction may guess, a permission must know.
   */
  readonly compile: (value: unknown, report: ReportProblem, section: DecisionKind) => Condition;
}

/** The items of a list, or the one value that stands for a list of one. */
export function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}
