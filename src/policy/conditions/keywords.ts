/** `match_keywords`: a text, or any of several, within one value of the payload. */

import { oneOrList, SEARCHED_TEXT } from "../document/json-schema.ts";
import { listed, type ConditionKind } from "./condition.ts";
import { needleOf, standsIn, standsInCompatible } from "./contains.ts";

/**
 * `yes` when a single leaf has the keyword, whatever its case. `maybe` when it does only in what compatibility forms of its
 * characters stand for. Unlike `contains`, leaves are not joined, and white space counts as it is.
 */
export const matchKeywords: ConditionKind = {
  schema: oneOrList(
    SEARCHED_TEXT,
    "a list of keywords",
    "Holds when a single value of the payload contains any of the keywords. Case does not matter.",
  ),
  readsNumbersAsText: true,
  compile: (value) => {
    const needles = listed(value).map((item) => needleOf(String(item)));
    return {
      needles,
      needlesDecide: true,
      search: "pieces",
      ask: ({ text }) => {
        if (needles.some((needle) => standsIn(needle, text))) return "yes";
        return needles.some((needle) => standsInCompatible(needle, text)) ? "maybe" : "no";
      },
      why: ({ text }) => {
        const found = needles.find((needle) => standsIn(needle, text));
        if (found !== undefined) return `a value has ${JSON.stringify(found.text)}`;
        const alike = needles.find((needle) => standsInCompatible(needle, text));
        return alike === undefined
          ? "no value has a keyword"
          : `a value has what may stand for ${JSON.stringify(alike.text)}`;
      },
    };
  },
};
