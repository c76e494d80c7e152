/** `contains`: a text, or any of several, somewhere in the payload's values. */

import { oneOrList, SEARCHED_TEXT } from "../document/json-schema.ts";
import { caseForms, isOnlyInStrings, normalise, type PayloadText } from "../matching/payload-text.ts";
import { listed, type ConditionKind, type Needle } from "./condition.ts";

/**
 * `yes` when a leaf has the text, whatever its case. `maybe` when it appears only in the normalised payload: after Unicode
 * NFKC, without zero-width characters, with runs of white space collapsed, or across leaves joined by a space.
 */
export const contains: ConditionKind = {
  schema: oneOrList(
    SEARCHED_TEXT,
    "a list of texts",
    "Holds when any value of the payload contains the text, or any of the texts. Case does not matter.",
  ),
  readsNumbersAsText: true,
  compile: (value) => {
    const needles = listed(value).map((item) => needleOf(String(item)));
    return {
      needles,
      needlesDecide: true,
      search: "pieces",
      ask: ({ text }) => {
        for (const needle of needles) if (standsIn(needle, text)) return "yes";
        for (const needle of needles) if (standsInNormalised(needle, text)) return "maybe";
        return "no";
      },
      why: ({ text }) => {
        const exact = needles.find((needle) => standsIn(needle, text));
        if (exact !== undefined) return `${JSON.stringify(exact.text)} is in the payload`;
        const found = needles.find((needle) => standsInNormalised(needle, text));
        if (found === undefined) return "not in the payload";
        return `${JSON.stringify(found.text)} is in the payload once spaces, letter forms and leaves are joined up`;
      },
    };
  },
};

/** A text in all forms in which it is searched for. */
export function needleOf(text: string): Needle {
  const normalised = normalise(text);
  const forms = caseForms(text);
  return {
    text,
    forms,
    onlyInStrings: forms.every(isOnlyInStrings),
    normalised: normalised.trim() === "" ? undefined : normalised,
  };
}

/** Whether a leaf has the needle, whatever its case. */
export function standsIn({ forms, onlyInStrings }: Needle, text: PayloadText): boolean {
  for (const form of forms) if (onlyInStrings ? text.hasInString(form) : text.has(form)) return true;
  return false;
}

/** Whether a leaf has the needle once other forms of letters are read as letters. */
export function standsInCompatible({ forms }: Needle, text: PayloadText): boolean {
  if (text.isAscii) return false;
  return text.compatible.some((leaf) => forms.some((form) => leaf.includes(form)));
}

function standsInNormalised({ normalised }: Needle, text: PayloadText): boolean {
  return normalised !== undefined && text.normalised.includes(normalised);
}
