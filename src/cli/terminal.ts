/** Text from outside, made safe to look at: a log holds what agents and models chose to write. */

import pc from "picocolors";

import type { Host } from "./host.ts";
import { jsonText } from "./json-text.ts";

/**
 * What a terminal obeys instead of showing, or shows as nothing: control characters (escape sequences, line breaks),
 * bidirectional overrides, zero-width and other ignorable characters, line and paragraph separators, lone surrogates, and the
 * Braille pattern without a dot.
 */
const UNSEEN = /[\u{2800}\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** What should be text: somebody who makes a chain anew can write anything into an entry. Other than text is shown as JSON. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : (jsonText(value) ?? "");
}

/** `text` with every character that would not be seen as itself written as `\u{…}`. One line, whatever came in. */
export function visible(text: string): string {
  return textOf(text).replace(UNSEEN, escapeCharacter);
}

/**
 * Whatever is neither ASCII nor a letter of Latin-1: it may look like something else, or turn the order of what is around it.
 * And spaces behind eight of them: enough of them reach the end of a line, and what follows seems to begin one of ours.
 */
const UNFAMILIAR = /[^\x20-\x7e\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]|(?<= {8}) /gu;

/** The same, and also every character that may be mistaken for another: for what a person decides by. */
export function unmistakable(text: string): string {
  return textOf(text).replace(UNFAMILIAR, escapeCharacter);
}

/** The `\u{…}` form of a character. */
export function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** JSON on one line. The same characters are escaped, the way JSON does it, so a parser reads the original back. */
export function jsonLine(value: unknown): string {
  const text = (jsonText(value) ?? "null").replace(UNSEEN, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
  return `${text}\n`;
}

/** Functions that colour text. */
export type Colours = ReturnType<typeof pc.createColors>;

/** Colours for stdout; they do nothing unless it is a terminal and `NO_COLOR` (https://no-color.org) is unset or empty. */
export function coloursFor(host: Host): Colours {
  const refused = host.env["NO_COLOR"] !== undefined && host.env["NO_COLOR"] !== "";
  return pc.createColors(host.stdout.isTTY === true && !refused);
}
