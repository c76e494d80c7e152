/** Numbers that stand for text: they are looked for as JSON writes them, so a policy must write them that way too. */

import type { PolicyDocument } from "./compose.ts";
import type { Path } from "./path.ts";
import { offsetOf } from "./place.ts";

/** Reports one number. `path` leads from the root. */
type ReportNumber = (path: Path, message: string) => void;

/**
 * Reports a number, or a number of a list, that is written otherwise than it would be looked for: `0o777` would be looked for
 * as 511, and `1.0` as 1.
 */
export function checkNumberSpelling(value: unknown, path: Path, document: PolicyDocument, report: ReportNumber): void {
  if (typeof value === "number") {
    const canonical = String(value);
    const written = /^[^\s,\]}]*/.exec(document.text.slice(offsetOf(document.root, path)))?.[0] ?? "";
    if (written !== canonical)
      report(
        path,
        `is the number ${canonical}, and would be looked for as that; quote it to mean the text "${written}"`,
      );
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkNumberSpelling(item, [...path, index], document, report);
  }
}
