/** What is too long, too deep or too crowded to be read: its cost is bounded before it is parsed. */

/** Longest script that is read, in UTF-16 code units. */
export const MAX_LENGTH = 8_192;
/** How deep commands may lie in one another, and brackets in a script. */
export const MAX_NESTING = 32;
/** Most commands of one script, and most words of all of them, counted again where one command runs another. */
export const MAX_COMMANDS = 256;
export const MAX_WORDS = 8_192;
/** Longest text of all the code in one script, that of nested scripts counted again. */
export const MAX_READ: number = 4 * MAX_LENGTH;
/** Most characters in one script that separate, open or redirect something, also in quotes: parsing time goes with them. */
const MAX_MARKS = 1_024;

/** All other control characters end or change a text on its way to the shell. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** Whether a text has control characters that are no tab and no line feed. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** Why a script must not be given to the parser; `undefined` when it may be. Looks at each character once, heeding no quotes. */
export function problemBeforeParsing(text: string): string | undefined {
  let depth = 0;
  let backticks = 0;
  let marks = 0;
  for (const char of text) {
    if (char === "(" || char === "{" || char === "[") {
      depth += 1;
      if (depth > MAX_NESTING) return TOO_DEEP;
    } else if (char === ")" || char === "}" || char === "]") depth = Math.max(0, depth - 1);
    else if (char === "`") backticks += 1;
    if (MARKS.has(char)) marks += 1;
  }
  if (backticks > 2 * MAX_NESTING) return TOO_DEEP;
  return marks > MAX_MARKS ? "it has too many commands" : undefined;
}

const MARKS = new Set("\n;&|<>({[$`");

/** What is said of a script that is nested too deep. */
export const TOO_DEEP: string = `nested more than ${MAX_NESTING} deep`;
/** What is said of a script that is too long. */
export const TOO_LONG: string = `longer than ${MAX_LENGTH} characters`;
