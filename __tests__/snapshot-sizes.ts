/** Values whose JSON text is exactly as large as a snapshot may be. */

import { expect } from "vitest";

import { MAX_BYTES } from "../src/snapshot.ts";
import { problemOf, taken } from "./taken.ts";

/** A value of `count` like parts, and some text; each part adds as many bytes of JSON as any other. */
export type Shape = (count: number, pad: string) => Record<string, unknown>;

const list =
  (make: (at: number) => unknown): Shape =>
  (count, pad) => ({ list: Array.from({ length: count }, (_, at) => make(at)), pad });

const membersOf =
  (value: unknown): Shape =>
  (count, pad) => ({ of: Object.fromEntries(Array.from({ length: count }, (_, at) => [1e6 + at, value])), pad });

/** Every kind of part that is counted in a way of its own. */
export const SHAPES: [name: string, shape: Shape][] = [
  ["plain text", (count, pad) => ({ text: "x".repeat(count), pad })],
  ["text of two bytes a character", (count, pad) => ({ text: "é".repeat(count), pad })],
  ["text of three bytes a character", (count, pad) => ({ text: "漢".repeat(count), pad })],
  ["text of four bytes a character", (count, pad) => ({ text: "🔒".repeat(count), pad })],
  ["quotes and backslashes", (count, pad) => ({ text: '"\\'.repeat(count), pad })],
  ["line ends", (count, pad) => ({ text: "\n".repeat(count), pad })],
  ["control characters", (count, pad) => ({ text: "\u0001".repeat(count), pad })],
  ["characters that need no escape", (count, pad) => ({ text: "\u007F\u2028".repeat(count), pad })],
  ["a long name", (count, pad) => ({ ["\u0000".repeat(count)]: {}, pad })],
  ["members", membersOf(7)],
  ["objects of one member", list(() => ({ "": 1 }))],
  ["objects of two members", list(() => ({ a: 1, b: "" }))],
  ["objects and lists of a control character", list(() => ({ "": ["\u0001"] }))],
  ["empty objects", list(() => ({}))],
  ["empty lists", list(() => [])],
  ["lists of lists", list(() => [[], [[]]])],
  ["short numbers", list(() => 7)],
  ["the longest numbers", list(() => -2.2250738585072014e-308)],
  ["true", list(() => true)],
  ["false", list(() => false)],
  ["null", list(() => null)],
  ["Dates", list(() => new Date("2026-01-15T10:23:01.042Z"))],
  ["Dates with a year of six digits", list(() => new Date(8.64e15))],
];

/** The bytes of a value's JSON text in UTF-8. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Expects a value of `shape` with at most `parts` parts, and text for the rest, to be accepted up to the last byte, and no further. */
export function expectExactSize(shape: Shape, parts: number): void {
  const first = bytesOf(shape(1, ""));
  const count = Math.min(parts, 1 + Math.floor((MAX_BYTES - first) / (bytesOf(shape(2, "")) - first)));
  const room = MAX_BYTES - bytesOf(shape(count, ""));
  const largest = shape(count, "x".repeat(room));
  expect(bytesOf(largest)).toBe(MAX_BYTES);
  expect(JSON.stringify(taken(largest).json)).toBe(JSON.stringify(largest));
  expect(problemOf(shape(count, "x".repeat(room + 1)))).toBe("payload: more than 1048576 bytes of JSON");
}
