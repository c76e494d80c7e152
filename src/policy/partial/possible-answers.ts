/** What a condition may answer about an event of which parts are not known. */

import type { ActionEvent } from "../../event.ts";
import type { Answer } from "../answer.ts";
import { Subject, type Condition } from "../conditions/condition.ts";
import { PayloadText } from "../matching/payload-text.ts";
import { askCondition } from "../rule.ts";
import { PartialEvent, type UnknownPart, type Watched } from "./unknown-part.ts";

/** Every answer there can be, whatever stands in the unknown parts. */
export interface PossibleAnswers {
  readonly answers: ReadonlySet<Answer>;
  /** The unknown parts that it depends on; none when there is one answer. */
  readonly needs: readonly UnknownPart[];
}

/** What `answer` is, when all is known. */
export function certainly(answer: Answer): PossibleAnswers {
  return { answers: new Set([answer]), needs: [] };
}

const ANY: ReadonlySet<Answer> = new Set<Answer>(["yes", "maybe", "no"]);
const NOT_NO: ReadonlySet<Answer> = new Set<Answer>(["yes", "maybe"]);

/** Asks conditions about one event that is known in part. */
export class PartialSubject {
  readonly event: PartialEvent;
  readonly #text: KnownText;

  constructor(event: ActionEvent, unknown: readonly UnknownPart[]) {
    this.event = new PartialEvent(event, unknown);
    this.#text = new KnownText(event, this.event, unknown);
  }

  /** What a condition may answer. One that looks at no unknown part has only one answer. */
  ask(condition: Condition, heedsClaims: boolean): PossibleAnswers {
    const whole = this.#watch((subject) => askCondition(condition, subject), heedsClaims);
    if (whole.seen.length === 0) return certainly(whole.result);
    const unknown = { answers: ANY, needs: whole.seen };
    if (condition.search !== undefined) return this.#text.ask(condition, whole.seen) ?? unknown;
    return this.#askParts(condition, heedsClaims) ?? unknown;
  }

  /** What is known of some of the answers that it is made of may be enough. */
  #askParts({ made }: Condition, heedsClaims: boolean): PossibleAnswers | undefined {
    if (made === undefined) return undefined;
    const whole = this.#watch((subject) => made(subject), heedsClaims);
    if (whole.seen.length > 0) return undefined;
    const { together, answers } = whole.result;
    const parts = answers.map((_, index): PossibleAnswers => {
      // Asked of an event of its own, so that what this part looks at is told from what others do.
      const ask = (subject: Subject): Answer => made(subject).answers[index]?.() ?? "no";
      const part = this.#watch((subject) => askCondition({ ask, why: String }, subject), heedsClaims);
      return part.seen.length === 0 ? certainly(part.result) : { answers: ANY, needs: part.seen };
    });
    return parts.length === 0 ? certainly("no") : parts.reduce((left, right) => putTogether(together, left, right));
  }

  #watch<Result>(look: (subject: Subject) => Result, heedsClaims: boolean): Watched<Result> {
    return this.event.watch((view) => look(new Subject(view, new PayloadText(view.payload), heedsClaims)));
  }
}

/** Every answer that two conditions can give together. */
export function putTogether(
  together: (left: Answer, right: Answer) => Answer,
  left: PossibleAnswers,
  right: PossibleAnswers,
): PossibleAnswers {
  const answers = new Set([...left.answers].flatMap((one) => [...right.answers].map((other) => together(one, other))));
  return { answers, needs: answers.size === 1 ? [] : [...new Set([...left.needs, ...right.needs])] };
}

/** Stands for an unknown leaf while leaves are put in order. A known leaf that is the same counts as unknown too. */
const UNKNOWN = "\0unknown\0";

/** What is known of a payload's text, of which a part is unknown. */
class KnownText {
  readonly #event: ActionEvent;
  readonly #partial: PartialEvent;
  readonly #pieces: readonly string[];
  #leaves: readonly string[] | undefined;

  constructor(event: ActionEvent, partial: PartialEvent, unknown: readonly UnknownPart[]) {
    this.#event = event;
    this.#partial = partial;
    this.#pieces = unknown.flatMap(({ of, pieces = [] }) => (of === "payload" ? pieces : []));
  }

  /** What a condition that searches the text may answer, when what is known of it says more than nothing. */
  ask(condition: Condition, needs: readonly UnknownPart[]): PossibleAnswers | undefined {
    const leaves = this.#allLeaves();
    const known = leaves.filter((leaf) => leaf !== UNKNOWN);
    const first = leaves.indexOf(UNKNOWN);
    // What is found in a piece stays found; what is found in order stays found if nothing unknown comes before it.
    const certain = condition.search === "pieces" ? [...known, ...this.#pieces] : leaves.slice(0, Math.max(first, 0));
    if (this.#found(condition, certain) === "yes") return certainly("yes");
    if (this.#found(condition, known) === "no") return undefined;
    // Leaves that only match together may not stand together.
    const alone = known.some((leaf) => this.#found(condition, [leaf]) !== "no");
    return alone ? { answers: NOT_NO, needs } : undefined;
  }

  #found(condition: Condition, leaves: readonly string[]): Answer {
    return askCondition(condition, new Subject(this.#event, new PayloadText({ leaves })));
  }

  #allLeaves(): readonly string[] {
    this.#leaves ??= new PayloadText({ payload: this.#partial.payloadWith(UNKNOWN) }).leaves;
    return this.#leaves;
  }
}
