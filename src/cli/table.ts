/** Tables for people: columns of text under a header, two spaces apart. */

import { escapeCharacter, visible } from "./terminal.ts";

/** Columns of a terminal after which a cell is cut; an agent's name may have a thousand characters. */
const MAX_CELL = 48;

/** Two spaces part the columns, so a cell must not hold two, nor begin or end with one, nor use a look-alike. */
const FALSE_GAP = /(?! )\p{Zs}|(?<= ) | (?= )|^ | $/gu;

/** One escape or one character; a cut never falls inside an escape. */
const PIECE = /\\u\{[0-9a-f]+\}|./gsu;

const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u{3001}-\u{303f}\u{ff01}-\u{ff60}]|(?!\p{Regional_Indicator})\p{Emoji_Presentation}/u;

/** A table that is printed as its rows come: the header with the first of them, and columns that only get wider. */
export class Table {
  readonly #header: readonly string[];
  readonly #widths: number[];
  readonly #paint: (shown: string, column: number, text: string) => string;
  readonly #maxLast: number;
  #isBegun = false;

  /**
   * `paint` may colour a cell; it is given what is shown, the column, and the text as it came. `maxLast` is where cells of
   * the last column are cut.
   */
  constructor(
    header: readonly string[],
    paint: (shown: string, column: number, text: string) => string = (shown) => shown,
    maxLast: number = MAX_CELL,
  ) {
    this.#header = header;
    this.#maxLast = maxLast;
    this.#widths = header.map((name) => name.length);
    this.#paint = paint;
  }

  /** The lines of further rows, each ending in a line break. Cells are text from outside: they are escaped and cut here. */
  lines(rows: readonly (readonly string[])[]): string {
    const cells = rows.map((row) => row.map((text, column) => cell(text, this.#maxOf(column))));
    for (const row of cells) {
      for (const [column, text] of row.entries()) {
        this.#widths[column] = Math.max(this.#widths[column] ?? 0, width(text));
      }
    }
    const lines = cells.map((row, index) =>
      this.#line(row, (text, column) => this.#paint(text, column, rows[index]?.[column] ?? "")),
    );
    if (this.#isBegun) return lines.join("");
    this.#isBegun = true;
    return [this.#line(this.#header, (name) => name), ...lines].join("");
  }

  #maxOf(column: number): number {
    return column === this.#header.length - 1 ? this.#maxLast : MAX_CELL;
  }

  /** One line; nothing after its last column. */
  #line(texts: readonly string[], painted: (text: string, column: number) => string): string {
    const columns = texts.map((text, column) => {
      const gap = " ".repeat(Math.max(0, (this.#widths[column] ?? 0) - width(text)));
      return column === texts.length - 1 ? painted(text, column) : painted(text, column) + gap;
    });
    return `${columns.join("  ")}\n`;
  }
}

/** `text` escaped, and cut to `max` characters. */
function cell(text: string, max: number): string {
  const pieces = visible(text).replace(FALSE_GAP, escapeCharacter).match(PIECE) ?? [];
  let shown = "";
  let length = 0;
  for (const [index, piece] of pieces.entries()) {
    // Counted in characters too: marks that take no room of their own could otherwise pile up without end.
    length += Math.max(1, width(piece));
    const last = index === pieces.length - 1;
    if (length > (last ? max : max - 1)) return `${shown}…`;
    shown += piece;
  }
  return shown;
}

/** Columns of a terminal that `text` takes: none for combining marks, two for wide characters. */
function width(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const character of text) {
    if (WIDE.test(character)) columns += 2;
    else if (!/\p{M}/u.test(character)) columns += 1;
  }
  return columns;
}
