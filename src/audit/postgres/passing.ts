/** The times that a database keeps beside the entries about approvals, so that nobody need read what lies between them. */

import { isAboutApprovals, type Entry } from "../format/entry.ts";

/** Follows a log's entries, in order. */
export class Passing {
  /** The latest time of the entries since the last one about approvals: `null` before the first such, `""` right after one. */
  latest: string | null = null;

  /** The next entry; answers what its column `passed` holds. */
  next({ kind, ts }: Entry): string | null {
    const { latest } = this;
    if (isAboutApprovals(kind)) {
      this.latest = "";
      return latest ?? "";
    }
    if (latest !== null && ts > latest) this.latest = ts;
    return null;
  }
}
