/** What the server answers of an append, and the check of it. */

import { AuditCorruptError } from "../../errors.ts";
import { fillTemplate, type Head } from "../entry.ts";

/** Where entries were appended: behind the hash `previous`, from the number `first` on. */
export interface Appended {
  readonly first: string;
  readonly previous: string;
  readonly hashes: readonly string[];
}

/**
 * The places of entries that were appended, each link computed again here: what the server says is not taken on trust.
 * `known` is an entry that was there before; `name` is how messages name the log.
 *
 * @throws AuditCorruptError when the server recorded something else, or in another place than it can be.
 */
export function linked(
  name: string,
  templates: readonly string[],
  { first, previous, hashes }: Appended,
  known: Head,
): readonly Head[] {
  let head: Head = { seq: Number(first) - 1, hash: previous };
  if (head.seq < known.seq || (head.seq === known.seq && head.hash !== known.hash)) throw wrong(name, head.seq);
  return templates.map((template, index) => {
    const { seq, hash } = fillTemplate(template, head);
    if (hashes[index] !== hash) throw wrong(name, seq);
    // Given to callers, and frozen: what they do with it must not move the chain.
    head = Object.freeze({ seq, hash });
    return head;
  });
}

function wrong(name: string, seq: number): AuditCorruptError {
  return new AuditCorruptError(name, `entry ${seq} was not recorded as it was given`, { seq });
}
