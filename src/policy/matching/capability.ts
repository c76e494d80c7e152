/** Capabilities: dotted names in requests, and patterns for them in rules. */

import { codePointName } from "../invisible.ts";

/** Most segments a pattern may have. */
const MAX_SEGMENTS = 16;

/** Longest pattern, in UTF-16 code units. */
export const MAX_PATTERN_LENGTH = 256;

/** A pattern of a rule, as a regular expression for the JSON Schema: each segment a word or `*`. */
export const PATTERN_SYNTAX: string = `^(?:[A-Za-z0-9_-]+|\\*)(?:\\.(?:[A-Za-z0-9_-]+|\\*)){0,${MAX_SEGMENTS - 1}}$`;

const REQUEST = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const BAD_CHARACTER = /[^A-Za-z0-9_.*-]/u;

/** The parts of an event that name what is asked for. */
export interface CapabilityRequest {
  readonly capability: string;
  readonly scope?: string | undefined;
  readonly environment: string;
}

/**
 * The capability to match, completed by the scope or else the environment when it has two segments; `undefined` when it
 * is malformed, so that no rule can be asked about it: an empty segment, a `*`, or a character outside `[A-Za-z0-9_-]`.
 */
export function completeRequest(request: CapabilityRequest): string | undefined {
  const segments = request.capability.split(".").length;
  const completed =
    segments === 2 ? `${request.capability}.${request.scope ?? request.environment}` : request.capability;
  return REQUEST.test(completed) ? completed : undefined;
}

/** What is wrong with a rule's pattern, as the rest of a sentence about it; `undefined` when it is well formed. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern === "") return "must not be empty; `*` covers every capability";
  if (pattern.length > MAX_PATTERN_LENGTH) return `is longer than ${MAX_PATTERN_LENGTH} characters`;
  const bad = BAD_CHARACTER.exec(pattern)?.[0];
  if (bad !== undefined) {
    const shown = /^[\x20-\x7e]$/.test(bad) ? `\`${bad}\`` : codePointName(bad);
    return `has the character ${shown}; segments are made of letters, digits, "_" and "-", joined by dots`;
  }
  const segments = pattern.split(".");
  if (segments.includes("")) return "has an empty segment; write one dot between two segments and none at the ends";
  if (segments.some((segment) => segment !== "*" && segment.includes("*"))) {
    return "has a `*` inside a segment; `*` stands for one whole segment, and a shorter capability covers all below it";
  }
  if (segments.length > MAX_SEGMENTS) return `has more than ${MAX_SEGMENTS} segments`;
  return undefined;
}

/** Whether a well-formed pattern covers all of what is asked for. */
export function covers(pattern: string, request: CapabilityRequest): boolean {
  const completed = completeRequest(request)?.split(".");
  const segments = pattern.split(".");
  if (completed === undefined || segments.length > completed.length) return false;
  return segments.every((segment, index) => segment === "*" || segment === completed[index]);
}
