/** Finds where nodes begin in a text: the parser tells most offsets, and leaves out those of quotes, dashes and `---`. */

import {
  COLLECTION_STYLE,
  EVENT_ID,
  SCALAR_STYLE,
  type AliasEvent,
  type Event,
  type MappingEvent,
  type ScalarEvent,
  type SequenceEvent,
} from "js-yaml";

/** What the parser gives as the offset of something that is not there. */
export const ABSENT = -1;

/** Follows the parser's events through the text. Offsets count UTF-16 code units from 0. */
export class TextCursor {
  readonly #text: string;
  /** Where the last token seen ends, but for closing brackets. */
  #end = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Passes the line `---` that begins the first document. */
  documentStart(): void {
    this.#end = this.#text.search(/^---(?=\s|$)/m) + 3;
  }

  /** Steps into a list or mapping. */
  open(event: SequenceEvent | MappingEvent): void {
    this.#end = event.start + (event.style === COLLECTION_STYLE.FLOW ? 1 : 0);
  }

  /** Passes an alias; answers where its `*` stands. */
  alias(event: AliasEvent): number {
    this.#end = event.anchorEnd;
    return event.anchorStart - 1;
  }

  /** Passes a scalar that is written out; answers where it begins, opening quote included. */
  scalar(event: ScalarEvent): number {
    const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
    this.#end = event.valueEnd + (quoted ? 1 : 0);
    if (quoted) return event.valueStart - 1;
    if (event.style === SCALAR_STYLE.PLAIN) return event.valueStart;
    const content = this.#text.slice(event.valueStart, event.valueEnd).search(/\S/);
    return event.valueStart + Math.max(0, content);
  }

  /** Passes the dash of an item without a value; answers where it stands. */
  dash(): number | undefined {
    const dash = /(?:[\s,\]}]|#[^\n\r]*)*-/y;
    dash.lastIndex = this.#end;
    if (!dash.test(this.#text)) return undefined;
    this.#end = dash.lastIndex;
    return this.#end - 1;
  }

  /** Where the second document begins: at its line `---`, or else at its first node. */
  secondDocument(first: Event | undefined): number {
    const separator = /^---(?=\s|$)/gm;
    separator.lastIndex = this.#end;
    const line = separator.exec(this.#text)?.index ?? this.#text.length;
    if (first === undefined || first.type === EVENT_ID.DOCUMENT || first.type === EVENT_ID.POP) return line;
    if (first.type === EVENT_ID.ALIAS) return Math.min(line, first.anchorStart - 1);
    const node = first.type === EVENT_ID.SCALAR ? first.valueStart : first.start;
    return node === ABSENT ? line : Math.min(line, node);
  }

  /** Where the directive `%YAML` stands. */
  versionDirective(): number {
    return Math.max(0, this.#text.search(/^%YAML/m));
  }
}
