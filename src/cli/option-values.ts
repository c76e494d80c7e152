/** The values of options, read from the text that was typed. Each throws what commander tells as wrong usage. */

import { InvalidArgumentError } from "commander";

import { patternProblem } from "../policy/matching/capability.ts";
import type { Host } from "./host.ts";
import { visible } from "./terminal.ts";
import { parseDuration, parseTime } from "./time.ts";

/** The path of a file. */
export function parsePath(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must be the path of a file.");
  return text;
}

/** A path for an option that may be given several times. */
export function collectPaths(text: string, former: readonly string[] | undefined): readonly string[] {
  return [...(former ?? []), parsePath(text)];
}

/** Reads a time to milliseconds since the epoch. */
export function timeParser(host: Host): (text: string) => number {
  return (text) => {
    const time = parseTime(text, host.now());
    if (time === undefined) {
      throw new InvalidArgumentError(
        "It must be a time such as 2026-01-15T10:23:00Z, a date, or a duration such as 2h.",
      );
    }
    return time;
  };
}

/** A whole number, 1 or more; of at most 15 digits, all of which are exact. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) {
    throw new InvalidArgumentError("It must be a whole number from 1 to 999999999999999.");
  }
  return Number(text);
}

/** The name of a key, as C2SP signed-note has it, and one that is seen as what it is. */
export function parseKeyName(text: string): string {
  if (!/^[^\s+]{1,256}$/u.test(text) || visible(text) !== text) {
    throw new InvalidArgumentError("It must be a name without spaces, plus signs and invisible characters.");
  }
  return text;
}

/** A whole number of per cent, 0 to 100. */
export function parsePercent(text: string): number {
  if (!/^(?:\d{1,2}|100)$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 0 to 100.");
  return Number(text);
}

/** A JSON object. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError("It must be JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError("It must be a JSON object.");
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Text that is not empty. */
export function parseText(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must not be empty.");
  return text;
}

/** The name of a person, an agent or a place, or what somebody says; not only white space. */
export function textParser(max: number): (text: string) => string {
  return (text) => {
    if (text.trim() === "") throw new InvalidArgumentError("It must not be empty.");
    if (text.length > max) throw new InvalidArgumentError(`It must not be longer than ${max} characters.`);
    return text;
  };
}

/** A duration up to `max` seconds, in seconds. */
export function secondsParser(max: number): (text: string) => number {
  return (text) => {
    const duration = parseDuration(text);
    if (duration === undefined || duration === 0 || duration > max * 1000) {
      throw new InvalidArgumentError(`It must be a duration such as 30m, 2h or 7d, at most ${max / 86_400}d.`);
    }
    return duration / 1000;
  };
}

/** A capability as policies write it. */
export function parseCapability(text: string): string {
  const problem = patternProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(`It ${problem}.`);
  return text;
}
