/** YAML text to data and places, refusing everything a reader of the file could misunderstand. */

import { parseEvents, YAMLException, type Event } from "js-yaml";

import { composeDocument, MAX_NESTING, type PolicyDocument } from "./compose.ts";
import type { Diagnostics } from "./diagnostics.ts";

/** Largest policy, in bytes of UTF-8: 2 MiB. */
export const MAX_POLICY_BYTES = 2_097_152;

/** What the parser says when a tab stands where it counts spaces. */
const ABOUT_INDENTATION = /tab|indentation|document separator/;

/**
 * Reads the one document in `text`. Reports what is wrong; `undefined` when there is then nothing left to look at.
 * Values are those of the YAML 1.2 core schema, or of JSON.
 */
export function readDocument(text: string, diagnostics: Diagnostics): PolicyDocument | undefined {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) {
    diagnostics.report(0, [], `this policy is larger than ${MAX_POLICY_BYTES} bytes (2 MiB)`);
    return undefined;
  }
  const nul = text.indexOf("\0");
  if (nul !== -1) diagnostics.report(nul, [], "a NUL character; a policy is plain text in UTF-8");
  const surrogate = text.isWellFormed() ? -1 : text.search(/\p{Cs}/u);
  if (surrogate !== -1) diagnostics.report(surrogate, [], "half a surrogate pair, which is not a character");
  if (!diagnostics.clean) return undefined;
  const events = parse(text, diagnostics);
  return events === undefined ? undefined : composeDocument(text, events, diagnostics);
}

function parse(text: string, diagnostics: Diagnostics): Event[] | undefined {
  try {
    // Keeps the parser's recursion shallow. It counts in its own way, up to two more; composing counts exactly.
    return parseEvents(text, { maxDepth: MAX_NESTING + 3 });
  } catch (error) {
    if (!(error instanceof YAMLException) || error.mark === undefined) {
      diagnostics.report(0, [], "this text cannot be read as YAML");
      return undefined;
    }
    const offset = error.mark.position;
    const tab = ABOUT_INDENTATION.test(error.reason) ? indentingTab(text, offset) : undefined;
    if (tab !== undefined) diagnostics.report(tab, [], "a tab in the indentation; YAML is indented with spaces");
    else if (error.reason.startsWith("nesting exceeded")) {
      diagnostics.report(offset, [], `nested more than ${MAX_NESTING} deep`);
    } else diagnostics.report(offset, [], `this is not YAML: ${error.reason}`);
    return undefined;
  }
}

/** Where a tab stands among the white space that begins the line of `offset`. */
function indentingTab(text: string, offset: number): number | undefined {
  const start = Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1;
  const tab = text.slice(start).search(/[^ ]/);
  return text[start + tab] === "\t" ? start + tab : undefined;
}
