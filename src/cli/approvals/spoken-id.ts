/** Ids as people say and type them. */

import { distance } from "fastest-levenshtein";

import { CommandFailure } from "../command-failure.ts";
import { EXIT } from "../host.ts";
import { unmistakable } from "../terminal.ts";

/** Characters that a typed id may be away from the one that was meant. */
const MAX_AWAY = 2;

/**
 * The id that was said: as it was typed if it is one of `known`, else without capitals and with a hyphen for a space.
 *
 * @throws CommandFailure when it is none of them, but nearly one of those that wait.
 */
export function spokenId(typed: string, known: (id: string) => boolean, waiting: Iterable<string>): string {
  const id = known(typed)
    ? typed
    : typed
        .trim()
        .toLowerCase()
        .replaceAll(/[\s_]+/g, "-");
  if (known(id)) return id;
  const [nearest] = [...waiting]
    .map((each) => ({ each, away: distance(id, each) }))
    .filter(({ away }) => away <= MAX_AWAY)
    .toSorted((left, right) => left.away - right.away);
  if (nearest === undefined) return id;
  const problem = `nothing of that name waits. Did you mean ${unmistakable(nearest.each)}?`;
  throw new CommandFailure(EXIT.failed, problem);
}
