/** Lines of a text, by offset. Lines end with CR LF, LF or CR, as in YAML 1.2 (section 5.4). */

/** Where an offset is: line and column count from 1, columns in UTF-16 code units. */
export interface LinePosition {
  readonly line: number;
  readonly column: number;
  /** The line without white space at its end. */
  readonly content: string;
}

/** Tells lines and columns of one text; looks for line ends once, when first asked. */
export class TextLines {
  readonly #text: string;
  #starts: readonly number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The line of `offset`, from 1. */
  lineOf(offset: number): number {
    this.#starts ??= findStarts(this.#text);
    return lineAt(this.#starts, offset);
  }

  /** The position of `offset`, counted in UTF-16 code units from 0. */
  at(offset: number): LinePosition {
    this.#starts ??= findStarts(this.#text);
    const line = this.lineOf(offset);
    const start = this.#starts[line - 1] ?? 0;
    const content = this.#text.slice(start, this.#starts[line]).trimEnd();
    return { line, column: offset - start + 1, content };
  }
}

function findStarts(text: string): number[] {
  const starts = [0];
  for (const lineBreak of text.matchAll(/\r\n|[\r\n]/g)) starts.push(lineBreak.index + lineBreak[0].length);
  return starts;
}

/** The number, from 1, of the last line that begins at or before `offset`. */
function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}
