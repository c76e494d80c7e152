/**
 * Exports of an audit log: JSON, an object a line. The first line says what it is, each further one has an entry and its
 * hash, and the last one says that it is the last. What is read back is held against the hashes, the chain and that line.
 */

import { ChainCheck } from "../audit/checks/chain-check.ts";
import { canonical, soundEntry, type StoredEntry } from "../audit/format/entry.ts";
import { reportOf, type VerifyReport } from "../audit/verify.ts";
import { TraceInvalidError } from "../errors.ts";
import { parseObject, readLines, type Line } from "./lines.ts";
import type { ReadEntries } from "./read-log.ts";

/** The version of the format, in the first line. */
const EXPORT_VERSION = 1;

/** The first line. */
export function exportHeader(): object {
  return { capfence_export: EXPORT_VERSION };
}

/** An entry's line. */
export function exportLine({ hash, entry }: StoredEntry): object {
  return { hash, entry };
}

/** The last line: how many entries there are, and the hash of the last. */
export function exportEnd(entries: number, last: string): object {
  return { capfence_export_end: { entries, last } };
}

/**
 * The entries of an export, some at a time; returns what verification has found. None can be relied on before the end.
 *
 * @throws TraceInvalidError at the line that is malformed or is not what was exported, or when the last one is missing.
 */
export async function* readExport(path: string): AsyncGenerator<ReadEntries, VerifyReport, void> {
  const reader = new ExportReader(path);
  for await (const { lines, progress } of readLines(path)) {
    for (const line of lines) reader.line(line);
    yield { entries: reader.check.take(), progress };
  }
  return reader.end();
}

class ExportReader {
  readonly check: ChainCheck = new ChainCheck([]);
  readonly #path: string;
  #lines = 0;
  #count = 0;
  #last = "";
  #lastSeq = -1;
  #isEnded = false;

  constructor(path: string) {
    this.#path = path;
  }

  line(line: Line): void {
    this.#lines = line.number;
    const read = parseObject(this.#path, line);
    if (this.#isEnded) throw this.#problem("it comes after the last line");
    if (line.number === 1) return this.#header(read);
    if (Object.hasOwn(read, "capfence_export_end")) return this.#end(read["capfence_export_end"]);
    const stored = storedEntry(line.text, read);
    if (stored === undefined) throw this.#problem("its entry and its hash do not agree");
    if (stored.seq <= this.#lastSeq) throw this.#problem(`entry ${stored.seq} is there twice`);
    this.check.entry(stored);
    const [found] = this.check.findings.problems;
    if (found !== undefined) throw this.#problem(`entry ${found.seq ?? stored.seq}: ${found.what}`);
    this.#count += 1;
    this.#last = stored.hash;
    this.#lastSeq = stored.seq;
  }

  #header({ capfence_export: version }: Readonly<Record<string, unknown>>): void {
    if (version === EXPORT_VERSION) return;
    const isNewer = typeof version === "number" && version > EXPORT_VERSION;
    throw this.#problem(
      isNewer
        ? `it is an export in format ${version}, and this version of capfence reads format ${EXPORT_VERSION}. Use a newer one`
        : "it is not the first line of an export",
    );
  }

  #end(end: unknown): void {
    const { entries, last } = (typeof end === "object" && end !== null ? end : {}) as Record<string, unknown>;
    if (entries !== this.#count || last !== this.#last) {
      const said = typeof entries === "number" ? String(entries) : "no number of";
      throw this.#problem(`it says that there are ${said} entries, and there are ${this.#count} or others`);
    }
    this.#isEnded = true;
  }

  end(): VerifyReport {
    if (!this.#isEnded) throw this.#problem("the last line of the export is missing: it is not whole", 1);
    const report = reportOf(this.check);
    const [found] = report.problems;
    if (found !== undefined) throw this.#problem(found.what);
    return report;
  }

  #problem(what: string, after = 0): TraceInvalidError {
    return new TraceInvalidError(this.#path, this.#lines + after, what);
  }
}

const ENTRY = '"entry":';

/** The entry of a line; `undefined` when its text does not have the hash that is said. */
function storedEntry(line: string, { hash, entry }: Readonly<Record<string, unknown>>): StoredEntry | undefined {
  // As it was written the line holds the text that was hashed. Otherwise its canonical form (RFC 8785) is that text.
  return soundEntry(hash, line.slice(line.indexOf(ENTRY) + ENTRY.length, -1)) ?? soundEntry(hash, canonicalOf(entry));
}

function canonicalOf(entry: unknown): string | undefined {
  try {
    return canonical(entry);
  } catch {
    return undefined;
  }
}
