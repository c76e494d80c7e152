/** Pieces of JSON Schema (draft-07) that several parts of the policy language share. */

/** A JSON Schema. Titles finish the sentence "must be …" in messages; descriptions are for editors. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Text that says something. */
export const TEXT = { title: "text", type: "string", minLength: 1 } as const;

/** Longest text or expression searched for. Searching takes up to this many steps for each character of the payload. */
const MAX_SEARCHED = 1024;

/** Text to search for; numbers and truth values stand for how JSON writes them. */
export const SEARCHED_TEXT: JsonSchema = {
  title: "text, a number, true or false",
  type: ["string", "number", "boolean"],
  minLength: 1,
  maxLength: MAX_SEARCHED,
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
};

/** A regular expression. */
export const EXPRESSION: JsonSchema = {
  title: "a regular expression",
  type: "string",
  minLength: 1,
  maxLength: MAX_SEARCHED,
};

/** A value to compare with; an empty text is one too. Text may be a glob. */
export const SCALAR: JsonSchema = { ...SEARCHED_TEXT, minLength: 0 };

/** A number to compare with. */
export const THRESHOLD: JsonSchema = {
  title: "a number",
  type: "number",
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
};

/** One of `item`, or a list of them: any of which will do. */
export function oneOrList(item: JsonSchema, listTitle: string, description: string): JsonSchema {
  return {
    title: `${String(item["title"])}, or ${listTitle}`,
    description,
    if: { type: "array" },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { title: listTitle, type: "array", minItems: 1, items: item },
    else: item,
  };
}
