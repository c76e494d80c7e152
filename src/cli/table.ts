/** Tables for people: columns of text under a header, two spaces apart. */

import { escapeCharacter, visible } from "./terminal.ts";

/** Characters after which a cell is cut; an agent's name may have a thousand. */
const MAX_CELL = 48;

/** Two spaces part the columns, so a cell must not hold two, nor begin or end with one, nor use a look-alike. */
const FALSE_GAP = /(?! )\p{Zs}|(?<= ) | (?= )|^ | $/gu;

/** One escape or one character; a cut never falls inside an escape. */
const PIECE = /\\u\{[0-9a-f]+\}|./gsu;

const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u{3001}-\u{303f}\u{ff01}-\u{ff60}]|(?!\p{Regional_Indicator})\p{Emoji_Presentation}/u;

/**
 * The lines of a table, each ending in a line break and none in a space. Cells are text from outside: they are escaped
 * and cut here. `paint` may colour a cell; it is given what is shown, the column, and the text as it came.
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  paint: (shown: string, column: number, text: string) => string = (shown) => shown,
): string {
  const cells = rows.map((row) => row.map(cell));
  const widths = header.map((name, column) =>
    cells.reduce((widest, row) => Math.max(widest, width(row[column] ?? "")), name.length),
  );
  const line = (texts: readonly string[], painted: (text: string, column: number) => string): string =>
    texts
      .map((text, column) => {
        const gap = " ".repeat(Math.max(0, (widths[column] ?? 0) - width(text)));
        return column === texts.length - 1 ? painted(text, column) : painted(text, column) + gap;
      })
      .join("  ");
  return [
    line(header, (name) => name),
    ...cells.map((row, index) => line(row, (text, column) => paint(text, column, rows[index]?.[column] ?? ""))),
  ]
    .map((text) => `${text}\n`)
    .join("");
}

/** `text` escaped, and cut to {@link MAX_CELL} characters. */
function cell(text: string): string {
  const pieces = visible(text).replace(FALSE_GAP, escapeCharacter).match(PIECE) ?? [];
  let shown = "";
  let length = 0;
  for (const [index, piece] of pieces.entries()) {
    // Counted in characters too: marks that take no room of their own could otherwise pile up without end.
    length += Math.max(1, width(piece));
    const last = index === pieces.length - 1;
    if (length > (last ? MAX_CELL : MAX_CELL - 1)) return `${shown}…`;
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
