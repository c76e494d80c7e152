/** What a condition of a rule is: compiled once from YAML, then asked about events. */

import type { ActionEvent } from "../../event.ts";
import type { Answer } from "../answer.ts";
import { PayloadText } from "../payload-text.ts";

/** One event under judgement, with what several conditions share. */
export class Subject {
  readonly event: ActionEvent;
  #text: PayloadText | undefined;

  constructor(event: ActionEvent) {
    this.event = event;
  }

  /** The payload's text; made at the first call. */
  get text(): PayloadText {
    this.#text ??= new PayloadText(this.event.payload);
    return this.#text;
  }
}

/** Answers for one event. Synchronous and pure. */
export type Condition = (subject: Subject) => Answer;

/**
 * Tells of a problem the JSON Schema cannot express. `path` leads from the condition's value to the part at fault, and is
 * empty for the value itself; `message` is the rest of a sentence about it.
 */
export type ReportProblem = (path: readonly (string | number)[], message: string) => void;

/** Makes a condition of a value that the JSON Schema has accepted. Runs once, when the policy is loaded. */
export type CompileCondition = (value: unknown, report: ReportProblem) => Condition;
