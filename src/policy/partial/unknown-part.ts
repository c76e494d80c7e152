/** Events of which a part is not known any more, and the noticing of who looks there. */

import type { ActionEvent } from "../../event.ts";
import type { Json, JsonObject } from "../../snapshot.ts";

/** A part of an event that is not known: a record left it out, say. */
export interface UnknownPart {
  readonly of: "payload" | "context";
  /** The members that lead there, list items by their number; empty for the whole. That it is there is known. */
  readonly path: readonly string[];
  /** What is known of a text that lacks a part, piece by piece and in order; absent when nothing is. */
  readonly pieces?: readonly string[];
}

/** `payload.command`; `payload` for the whole. */
export function nameOfPart({ of, path }: UnknownPart): string {
  return [of, ...path].join(".");
}

/** What came of a look at an event, and the unknown parts that were looked at. */
export interface Watched<Result> {
  readonly result: Result;
  readonly seen: readonly UnknownPart[];
}

/** An event with unknown parts. */
export class PartialEvent {
  readonly #event: ActionEvent;
  readonly #trees: Readonly<Record<UnknownPart["of"], Tree>>;

  constructor(event: ActionEvent, unknown: readonly UnknownPart[]) {
    this.#event = event;
    const tree = (of: UnknownPart["of"]): Tree => treeOf(unknown.filter((part) => part.of === of));
    this.#trees = { payload: tree("payload"), context: tree("context") };
  }

  /**
   * Gives `look` an event to read like any other, and tells which unknown parts it has read: without any, its result is that
   * of the whole event. What stands in unknown parts is of no account. Each look gets an event of its own, so that nothing
   * that was read is remembered for another.
   */
  watch<Result>(look: (event: ActionEvent) => Result): Watched<Result> {
    const seen = new Set<UnknownPart>();
    const see = (part: UnknownPart): void => void seen.add(part);
    const { payload, context } = this.#event;
    const view = Object.create(this.#event, {
      payload: { value: watched(payload, this.#trees.payload, see) },
      context: { value: watched(context, this.#trees.context, see) },
    }) as ActionEvent;
    const result = look(view);
    return { result, seen: [...seen] };
  }

  /** The payload with `stand` in every unknown place. */
  payloadWith(stand: string): Json {
    return filled(this.#event.payload, this.#trees.payload, stand);
  }
}

/** Where the unknown parts are. */
interface Tree {
  readonly part: UnknownPart | undefined;
  readonly below: ReadonlyMap<string, Tree>;
}

function treeOf(parts: readonly UnknownPart[], depth = 0): Tree {
  const names = new Set(parts.flatMap(({ path }) => path.slice(depth, depth + 1)));
  const within = (name: string): Tree =>
    treeOf(
      parts.filter(({ path }) => path[depth] === name),
      depth + 1,
    );
  return {
    part: parts.find(({ path }) => path.length === depth),
    below: new Map([...names].map((name) => [name, within(name)])),
  };
}

function watched(value: Json, { part, below }: Tree, see: (part: UnknownPart) => void): Json {
  if (!isContainer(value) || (part === undefined && below.size === 0)) return value;
  const look = (): void => {
    if (part !== undefined) see(part);
  };
  // A Proxy must answer what its target holds if that is frozen, as an event's payload is.
  return new Proxy(
    copyWith(value, below, (member, tree) => watched(member, tree, see)),
    {
      get: (held, name): unknown => {
        look();
        const inside = typeof name === "string" ? below.get(name)?.part : undefined;
        if (inside !== undefined) see(inside);
        return Reflect.get(held, name);
      },
      has: (held, name) => {
        look();
        return Reflect.has(held, name);
      },
      ownKeys: (held) => {
        look();
        return Reflect.ownKeys(held);
      },
      getOwnPropertyDescriptor: (held, name) => {
        look();
        return Reflect.getOwnPropertyDescriptor(held, name);
      },
    },
  ) as Json;
}

function filled(value: Json, { part, below }: Tree, stand: string): Json {
  if (part !== undefined) return stand;
  return isContainer(value) && below.size > 0
    ? (copyWith(value, below, (member, tree) => filled(member, tree, stand)) as Json)
    : value;
}

/** A copy of a list or an object, with other members where a tree has branches. */
function copyWith(
  value: JsonObject | readonly Json[],
  below: ReadonlyMap<string, Tree>,
  other: (member: Json, tree: Tree) => Json,
): object {
  const members = Object.entries(value).map(([name, member]: [string, Json]) => {
    const tree = below.get(name);
    return [name, tree === undefined ? member : other(member, tree)] as const;
  });
  // fromEntries defines members, so that one called __proto__ stays a member.
  return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
}

function isContainer(value: Json): value is JsonObject | readonly Json[] {
  return typeof value === "object" && value !== null;
}
