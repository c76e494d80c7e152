/** `contains`: a text, or any of several, somewhere in the payload's values. */

import { caseForms, normalise } from "../payload-text.ts";
import type { CompileCondition } from "./condition.ts";

interface Needle {
  readonly forms: readonly string[];
  /** `undefined` when nothing but white space or ignorable characters would be left to search for. */
  readonly normalised: string | undefined;
}

/**
 * `yes` when a leaf has the text, whatever its case. `maybe` when it appears only in the normalised payload: after Unicode
 * NFKC, without zero-width characters, with runs of white space collapsed, or across leaves joined by a space.
 */
export const compileContains: CompileCondition = (value) => {
  const listed: readonly unknown[] = Array.isArray(value) ? value : [value];
  const needles = listed.map((item) => needle(String(item)));
  return ({ text }) => {
    const { folded } = text;
    if (needles.some(({ forms }) => forms.some((form) => folded.includes(form)))) return "yes";
    const { normalised } = text;
    const found = needles.some((each) => each.normalised !== undefined && normalised.includes(each.normalised));
    return found ? "maybe" : "no";
  };
};

function needle(text: string): Needle {
  const normalised = normalise(text);
  return { forms: caseForms(text), normalised: normalised.trim() === "" ? undefined : normalised };
}
