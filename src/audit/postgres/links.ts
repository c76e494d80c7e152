/** What the server answers of an append, and the check of it. */

import { AuditCorruptError } from "../../errors.ts";
import { fillTemplate, type Head } from "../format/entry.ts";

/** Where entries were appended: behind the hash `previous`, from the number `first` on; `last` is the last one's hash. */
export interface Appended {
  readonly first: number;
  readonly previous: string;
  readonly last: string;
}

/**
 * The places of entries that were appended, each link computed again here: what the server says is not taken on trust.
 * `known` is an entry that was there before; `name` is how messages name the log.
 *
 * @throws AuditCorruptError when the server recorded something else, or in another place than it can be.
 */
export function linked(name: string, templates: readonly string[], appended: Appended, known: Head): readonly Head[] {
  let head: Head = { seq: appended.first - 1, hash: appended.previous };
  if (head.seq < known.seq || (head.seq === known.seq && head.hash !== known.hash)) throw wrong(name, head.seq);
  const heads = templates.map((template) => {
    const { seq, hash } = fillTemplate(template, head);
    // Given to callers, and frozen: what they do with it must not move the chain.
    head = Object.freeze({ seq, hash });
    return head;
  });
  // Every hash before it goes into the last.
  if (head.hash !== appended.last) throw wrong(name, head.seq);
  return heads;
}

function wrong(name: string, seq: number): AuditCorruptError {
  return new AuditCorruptError(name, `entry ${seq} was not recorded as it was given`, { seq });
}
