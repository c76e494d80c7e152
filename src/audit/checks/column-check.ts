/** Whether a row's columns, which people query, say what the entry says. */

import { isAscii } from "node:buffer";

import type { Entry } from "../format/entry.ts";
import type { Row } from "../format/rows.ts";
import { DERIVED_COLUMNS, derivedColumns } from "../format/schema.ts";

/** What is wrong with the columns of an entry's row; `undefined` when nothing is. */
export function columnProblem(row: Row, entry: Entry): string | undefined {
  const expected = derivedColumns(entry);
  const differing = DERIVED_COLUMNS.find((_, index) => row.derived[index] !== withoutMark(expected[index] ?? null));
  if (differing !== undefined) return `its column ${differing} does not agree with its text`;
  // Text that goes on behind a NUL looks the same, and is longer. What is not ASCII may look the same in other bytes too.
  const bytes = Buffer.from(expected.join(""));
  const isSame = bytes.length === row.derivedBytes && (isAscii(bytes) || row.agrees(expected));
  return isSame ? undefined : "one of its columns does not agree with its text";
}

/** A byte order mark at the beginning of a text is not shown to us; that it is there, the count of bytes tells. */
function withoutMark(value: string | number | null): string | number | null {
  return typeof value === "string" && value.startsWith("\uFEFF") ? value.slice(1) : value;
}
