/** Places: where each part of a document stands in its text. They mirror the shape of the data. */

import type { Path } from "./path.ts";

/** Where one value stands; offsets count UTF-16 code units from 0. */
export interface Place {
  readonly offset: number;
  /** The places of a list's items. */
  readonly items: Place[];
  /** The places of a mapping's keys and values. */
  readonly entries: Map<string, { readonly key: number; readonly value: Place }>;
}

/** A place that holds nothing yet. */
export function newPlace(offset: number): Place {
  return { offset, items: [], entries: new Map() };
}

/** Where the value at `path` stands, or the closest value around it. */
export function offsetOf(root: Place, path: Path): number {
  let place = root;
  for (const part of path) {
    const next = typeof part === "number" ? place.items[part] : place.entries.get(part)?.value;
    if (next === undefined) break;
    place = next;
  }
  return place.offset;
}

/** Where the key that ends `path` stands; as {@link offsetOf} when it ends in a list position. */
export function keyOffsetOf(root: Place, path: Path): number {
  const last = path.at(-1);
  let parent: Place | undefined = root;
  for (const part of path.slice(0, -1)) {
    parent = typeof part === "number" ? parent?.items[part] : parent?.entries.get(part)?.value;
  }
  const entry = typeof last === "string" ? parent?.entries.get(last) : undefined;
  return entry?.key ?? offsetOf(root, path);
}
