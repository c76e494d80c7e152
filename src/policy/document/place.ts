/** Places: where each part of a document stands in its text. They mirror the shape of the data. */

import type { Path } from "./path.ts";

/** Where one value stands, in UTF-16 code units from 0: an offset for a scalar, more for what has parts. */
export type Place = number | ListPlace | MappingPlace;

/** Where a list and its items stand. */
export class ListPlace {
  readonly offset: number;
  readonly items: Place[] = [];

  constructor(offset: number) {
    this.offset = offset;
  }
}

/** Where a mapping, its keys and its values stand. */
export class MappingPlace {
  readonly offset: number;
  readonly #keys: string[] = [];
  readonly #keyOffsets: number[] = [];
  readonly #values: Place[] = [];
  /** Made when first asked: a valid document is never asked. */
  #positions: ReadonlyMap<string, number> | undefined;

  constructor(offset: number) {
    this.offset = offset;
  }

  /** Notes a key that the mapping does not have yet. */
  add(key: string, keyOffset: number, value: Place): void {
    this.#keys.push(key);
    this.#keyOffsets.push(keyOffset);
    this.#values.push(value);
    this.#positions = undefined;
  }

  value(key: string): Place | undefined {
    const position = this.#position(key);
    return position === undefined ? undefined : this.#values[position];
  }

  keyOffset(key: string): number | undefined {
    const position = this.#position(key);
    return position === undefined ? undefined : this.#keyOffsets[position];
  }

  #position(key: string): number | undefined {
    this.#positions ??= new Map(this.#keys.map((each, index) => [each, index]));
    return this.#positions.get(key);
  }
}

/** Where the value at `path` stands, or the closest value around it. */
export function offsetOf(root: Place, path: Path): number {
  let place = root;
  for (const part of path) {
    const next = partOf(place, part);
    if (next === undefined) break;
    place = next;
  }
  return typeof place === "number" ? place : place.offset;
}

/** Where the key that ends `path` stands; as {@link offsetOf} when it ends in a list position. */
export function keyOffsetOf(root: Place, path: Path): number {
  const last = path.at(-1);
  let parent: Place | undefined = root;
  for (const part of path.slice(0, -1)) parent = parent === undefined ? undefined : partOf(parent, part);
  const key = typeof last === "string" && parent instanceof MappingPlace ? parent.keyOffset(last) : undefined;
  return key ?? offsetOf(root, path);
}

function partOf(place: Place, part: string | number): Place | undefined {
  if (typeof part === "number") return place instanceof ListPlace ? place.items[part] : undefined;
  return place instanceof MappingPlace ? place.value(part) : undefined;
}
