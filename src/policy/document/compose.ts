/** Puts the parser's events together into data, and refuses the parts of YAML that hide what a policy says. */

import { EVENT_ID, SCALAR_STYLE, type Event, type MappingEvent, type ScalarEvent, type SequenceEvent } from "js-yaml";

import type { Diagnostics } from "./diagnostics.ts";
import { keyProblem } from "./keys.ts";
import { showKey, type Path } from "./path.ts";
import { ListPlace, MappingPlace, type Place } from "./place.ts";
import { scalarValue } from "./scalars.ts";
import { ABSENT, TextCursor } from "./text-cursor.ts";

/** Deepest nesting of lists and mappings, the outermost counted as 1. */
export const MAX_NESTING = 32;

/** One YAML document: its data, and where each part of it stands in its text. Mappings have no prototype. */
export interface PolicyDocument {
  readonly text: string;
  readonly data: unknown;
  readonly root: Place;
}

/** Stands in paths for a key that is no text. */
const UNNAMED = "?";

/** Composes the one document there must be; reports problems, and `undefined` when no data can be made of the events. */
export function composeDocument(
  text: string,
  events: readonly Event[],
  diagnostics: Diagnostics,
): PolicyDocument | undefined {
  return new Composer(text, events, diagnostics).compose();
}

/** A list or mapping that is still open. */
type Frame = OpenList | OpenMapping;

interface OpenList {
  readonly list: unknown[];
  readonly place: ListPlace;
}

interface OpenMapping {
  readonly list?: never;
  readonly record: Record<string, unknown>;
  readonly place: MappingPlace;
  /** The key whose value comes next. The value of a refused key is looked through and left out. */
  key: string | undefined;
  keyOffset: number;
  refused: boolean;
}

class Composer {
  readonly #text: string;
  readonly #events: readonly Event[];
  readonly #diagnostics: Diagnostics;
  readonly #frames: Frame[] = [];
  readonly #cursor: TextCursor;
  /** Keys that have been looked at and may stand in a mapping, quoted or not; most keys come again and again. */
  readonly #goodKeys: Set<string> = new Set();
  /** Whether the document is an empty node, which YAML takes for null. */
  #blank = false;
  #result: PolicyDocument | undefined;

  constructor(text: string, events: readonly Event[], diagnostics: Diagnostics) {
    this.#text = text;
    this.#events = events;
    this.#diagnostics = diagnostics;
    this.#cursor = new TextCursor(text);
  }

  compose(): PolicyDocument | undefined {
    for (const [index, event] of this.#events.entries()) {
      switch (event.type) {
        case EVENT_ID.DOCUMENT:
          if (index > 0) {
            this.#report(
              this.#cursor.secondDocument(this.#events[index + 1]),
              "a second document; a policy is one document",
            );
            return undefined;
          }
          if (event.explicitStart) this.#cursor.documentStart();
          if (event.directives.some((directive) => directive.kind === "yaml" && directive.version !== "1.2")) {
            this.#report(
              this.#cursor.versionDirective(),
              "policies are YAML 1.2; write `%YAML 1.2` or leave the line out",
            );
          }
          break;
        case EVENT_ID.SCALAR:
          this.#scalar(event);
          break;
        case EVENT_ID.ALIAS:
          this.#refused(
            this.#cursor.alias(event),
            "an alias; write the value out, a policy has to be readable as it stands",
          );
          break;
        case EVENT_ID.SEQUENCE:
        case EVENT_ID.MAPPING:
          if (!this.#open(event)) return undefined;
          break;
        case EVENT_ID.POP:
          this.#close();
          break;
      }
    }
    if (this.#result === undefined || (this.#result.data === null && this.#blank)) {
      this.#diagnostics.report(
        0,
        [],
        "this text is empty, which is more likely a mistake than meant; `{}` says nothing on purpose",
      );
      return undefined;
    }
    return this.#result;
  }

  /** The path of the value or key that comes next. */
  get #path(): Path {
    return this.#frames.flatMap((frame) => (frame.list === undefined ? (frame.key ?? []) : frame.list.length));
  }

  #report(offset: number, message: string): void {
    this.#diagnostics.report(offset, this.#path, message);
  }

  #scalar(event: ScalarEvent): void {
    const value = scalarValue(this.#text, event);
    const offset = this.#properties(event, this.#scalarOffset(event));
    if (typeof value === "string" && !value.isWellFormed()) {
      this.#refused(offset, "an escape for half a surrogate pair, which is not a character");
    } else if (this.#awaitsKey()) this.#takeKey(String(value), offset, event.style === SCALAR_STYLE.PLAIN);
    else this.#add(value, offset);
  }

  #open(event: SequenceEvent | MappingEvent): boolean {
    const offset = this.#properties(event, event.start);
    if (this.#frames.length >= MAX_NESTING) {
      this.#report(offset, `nested more than ${MAX_NESTING} deep`);
      return false;
    }
    if (this.#awaitsKey()) this.#report(offset, "a list or a mapping as a key; keys are plain text");
    this.#cursor.open(event);
    this.#frames.push(
      event.type === EVENT_ID.SEQUENCE
        ? { list: [], place: new ListPlace(offset) }
        : { record: newRecord(), place: new MappingPlace(offset), key: undefined, keyOffset: 0, refused: false },
    );
    return true;
  }

  #close(): void {
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    if (this.#awaitsKey()) this.#setKey(UNNAMED, frame.place.offset, true);
    else this.#add(frame.list ?? frame.record, frame.place);
  }

  #awaitsKey(): boolean {
    const frame = this.#frames.at(-1);
    return frame !== undefined && frame.list === undefined && frame.key === undefined;
  }

  /** Adds a finished value to what is open around it. */
  #add(value: unknown, place: Place): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) this.#result = { text: this.#text, data: value, root: place };
    else if (frame.list !== undefined) {
      frame.list.push(value);
      frame.place.items.push(place);
    } else {
      if (frame.key !== undefined && !frame.refused) {
        frame.record[frame.key] = value;
        frame.place.add(frame.key, frame.keyOffset, place);
      }
      frame.key = undefined;
    }
  }

  #setKey(name: string, offset: number, refused: boolean): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined || frame.list !== undefined) return;
    frame.key = name;
    frame.keyOffset = offset;
    frame.refused = refused;
  }

  #takeKey(name: string, offset: number, plain: boolean): void {
    const frame = this.#frames.at(-1);
    const twice = frame !== undefined && frame.list === undefined && name in frame.record;
    const problem =
      this.#keyProblem(name, plain) ?? (twice ? `the key ${showKey(name)} is already in this mapping` : undefined);
    this.#setKey(name, offset, problem !== undefined);
    if (problem !== undefined) this.#report(offset, problem);
  }

  #keyProblem(name: string, plain: boolean): string | undefined {
    if (this.#goodKeys.has(name)) return undefined;
    const problem = keyProblem(name, plain);
    if (problem === undefined && name !== "<<") this.#goodKeys.add(name);
    return problem;
  }

  /** Where a scalar begins; for an empty one, where the key or the dash stands that it belongs to. */
  #scalarOffset(event: ScalarEvent): number {
    const frame = this.#frames.at(-1);
    if (event.valueStart !== ABSENT) return this.#cursor.scalar(event);
    this.#blank = frame === undefined;
    const dash = frame?.list === undefined ? undefined : this.#cursor.dash();
    if (frame !== undefined && frame.list === undefined && frame.key !== undefined) return frame.keyOffset;
    return dash ?? frame?.place.offset ?? 0;
  }

  /** Reports a node that has no value of its own and goes on as if it were empty. */
  #refused(offset: number, message: string): void {
    this.#report(offset, message);
    if (this.#awaitsKey()) this.#setKey(UNNAMED, offset, true);
    else this.#add(null, offset);
  }

  /** Refuses the anchor or tag of a node; returns where the node begins, properties included. */
  #properties(event: ScalarEvent | SequenceEvent | MappingEvent, offset: number): number {
    const anchor = event.anchorStart === ABSENT ? offset : event.anchorStart - 1;
    const tag = event.tagStart === ABSENT ? offset : event.tagStart;
    if (event.tagStart !== ABSENT) this.#report(tag, "a tag; policies use plain YAML without `!`");
    if (event.anchorStart !== ABSENT) this.#report(anchor, "an anchor; policies use plain YAML without `&` and `*`");
    return Math.min(offset, anchor, tag);
  }
}

/** A mapping without a prototype, so that no key of a file can reach one. */
function newRecord(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}
