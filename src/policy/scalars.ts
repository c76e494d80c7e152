/** The values of scalars, as js-yaml resolves them in the core schema of YAML 1.2. */

import { COLLECTION_STYLE, constructFromEvents, CORE_SCHEMA, EVENT_ID, type Event } from "js-yaml";

import { ABSENT } from "./text-cursor.ts";

const NO_PROPERTIES = { anchorStart: ABSENT, anchorEnd: ABSENT, tagStart: ABSENT, tagEnd: ABSENT };

/** The values of all scalars among `events`, in order. Their tags and anchors are left out: they are refused elsewhere. */
export function scalarValues(text: string, events: readonly Event[]): readonly unknown[] {
  const scalars = events
    .filter((event) => event.type === EVENT_ID.SCALAR)
    .map((event) => ({ ...event, ...NO_PROPERTIES }));
  const list: Event[] = [
    { type: EVENT_ID.DOCUMENT, explicitStart: false, explicitEnd: false, directives: [] },
    { type: EVENT_ID.SEQUENCE, start: 0, style: COLLECTION_STYLE.BLOCK, ...NO_PROPERTIES },
    ...scalars,
    { type: EVENT_ID.POP },
    { type: EVENT_ID.POP },
  ];
  const [values] = constructFromEvents(list, { source: text, schema: CORE_SCHEMA, maxAliases: 0 });
  return values as readonly unknown[];
}
