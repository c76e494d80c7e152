/** `contains`: a text, or any of several, somewhere in the payload's values. */

import { oneOrList, SEARCHED_TEXT } from "../document/json-schema.ts";
import { caseForms, isOnlyInStrings, normalise, uncompose, type PayloadText } from "../matching/payload-text.ts";
import { listed, type ConditionKind, type Needle } from "./condition.ts";

/**
 * `yes` when a leaf has the text, whatever its case. `maybe` when it appears only in the normalised payload: after Unicode
 * NFKC, with or without full case folding and what that composes anew, without zero-width characters, with runs of white
 * space collapsed, or across leaves joined by a space. Wherever `match_keywords` answers `maybe`, it does.
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
  const forms = caseForms(text);
  const normalised = unlessBlank(normalise(text));
  const uncomposed = unlessBlank(uncompose(text));
  const texts = new Set([normalised, uncomposed, ...forms].filter((each) => each !== undefined));
  return { text, forms, onlyInStrings: forms.every(isOnlyInStrings), normalised, uncomposed, texts: [...texts] };
}

function unlessBlank(text: string): string | undefined {
  return text.trim() === "" ? undefined : text;
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

function standsInNormalised(needle: Needle, text: PayloadText): boolean {
  const { normalised, uncomposed } = needle;
  if (normalised !== undefined && text.normalised.includes(normalised)) return true;
  if (text.isAscii) return false;
  return (uncomposed !== undefined && text.uncomposed.includes(uncomposed)) || standsInCompatible(needle, text);
}
