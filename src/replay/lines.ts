/** Reads a file of lines as a stream, none of them without end. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

import { TraceInvalidError } from "../errors.ts";

/** Longest line, in bytes. The largest entry of a log has a third of that. */
const MAX_LINE = 4_194_304;

const LINE_FEED = 0x0a;

/** One line, without its line break. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly text: string;
  /** Whether a line break ended it. */
  readonly isEnded: boolean;
}

/** Some lines, and how much of the file has been read, from 0 to 1. */
export interface Lines {
  readonly lines: readonly Line[];
  readonly progress: number;
}

/**
 * The lines of a file, some at a time.
 *
 * @throws TraceInvalidError at a line that is too long or is not UTF-8.
 * @throws Error as the file system does, when the file can't be read.
 */
export async function* readLines(path: string): AsyncGenerator<Lines> {
  const { size } = await stat(path);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let number = 0;
  let done = 0;
  let begun: Buffer[] = [];
  let begunBytes = 0;
  const endLine = (end: Buffer, isEnded: boolean): Line => {
    number += 1;
    const bytes = begun.length === 0 ? end : Buffer.concat([...begun, end]);
    if (bytes.length > MAX_LINE) throw tooLong(path, number);
    begun = [];
    begunBytes = 0;
    try {
      const text = decoder.decode(bytes).replace(/\r$/, "");
      return { number, text: number === 1 ? text.replace(/^\uFEFF/, "") : text, isEnded };
    } catch (error) {
      throw new TraceInvalidError(path, number, "it is not UTF-8", { cause: error });
    }
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 262_144 }) as AsyncIterable<Buffer>) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      lines.push(endLine(chunk.subarray(start, end), true));
      start = end + 1;
    }
    begun.push(chunk.subarray(start));
    begunBytes += chunk.length - start;
    if (begunBytes > MAX_LINE) throw tooLong(path, number + 1);
    done += chunk.length;
    yield { lines, progress: size === 0 ? 1 : Math.min(1, done / size) };
  }
  if (begunBytes > 0) yield { lines: [endLine(Buffer.alloc(0), false)], progress: 1 };
}

function tooLong(path: string, line: number): TraceInvalidError {
  return new TraceInvalidError(path, line, `it is longer than ${MAX_LINE} bytes`);
}

/** The JSON object that a line is. @throws TraceInvalidError when it is none. */
export function parseObject(path: string, { number, text, isEnded }: Line): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const problem = isEnded ? `it is not JSON: ${detail}` : "the file ends in the middle of this line";
    throw new TraceInvalidError(path, number, problem, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TraceInvalidError(path, number, "it is not a JSON object");
  }
  return value as Readonly<Record<string, unknown>>;
}
