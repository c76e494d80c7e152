/** Whether a row's columns, which people query, say what the entry says. */

import type { Entry } from "../format/entry.ts";
import type { Row } from "../format/rows.ts";
import { DERIVED_COLUMNS, derivedColumns } from "../format/schema.ts";

/** What is wrong with the columns of an entry's row; `undefined` when nothing is. */
export function columnProblem(row: Row, entry: Entry): string | undefined {
  const expected = derivedColumns(entry);
  const differing = expected.findIndex((value, index) => row.derived[index] !== withoutMark(value));
  if (differing >= 0) return `its column ${DERIVED_COLUMNS[differing] ?? ""} does not agree with its text`;
  // Text that goes on behind a NUL looks the same, and is longer. What is not ASCII may look the same in other bytes too.
  const text = expected.join("");
  const bytes = Buffer.byteLength(text);
  const isSame = bytes === row.derivedBytes && (bytes === text.length || row.agrees(expected));
  return isSame ? undefined : "one of its columns does not agree with its text";
}

/** A byte order mark at the beginning of a text is not shown to us; that it is there, the count of bytes tells. */
function withoutMark(value: string | number | null): string | number | null {
  return typeof value === "string" && value.startsWith("\uFEFF") ? value.slice(1) : value;
}
