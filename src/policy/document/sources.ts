/** The files a policy is made of: the one that was named, and those it extends. */

import { realpathSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";

import { PolicyLoadError } from "../../errors.ts";
import { Diagnostics } from "./diagnostics.ts";
import type { PolicyDocument } from "./compose.ts";
import { readDocument } from "./document.ts";
import { showFile, type Path } from "./path.ts";
import { offsetOf } from "./place.ts";
import { readPolicyFile } from "./policy-file.ts";
import { validateShape } from "./validate.ts";

/** Longest chain of files that extend one another. */
const MAX_CHAIN = 16;

/** Most files one policy is made of. */
const MAX_FILES = 256;

/** One text of a policy. */
export interface PolicySource {
  readonly diagnostics: Diagnostics;
  readonly document: PolicyDocument;
}

/** What has been read. */
export interface PolicySources {
  /** Every file once, before those that extend it; the one that was named comes last. */
  readonly sources: readonly PolicySource[];
  /** Absolute paths of the files that it extends, in the order in which they were read or could not be read. */
  readonly files: readonly string[];
}

/** A text, and the file it stands in; `undefined` when it came from no file, so that nothing is relative to it. */
export interface NamedText {
  readonly text: string;
  /** What messages call it. */
  readonly name: string;
  readonly file: string | undefined;
}

/**
 * Reads a policy's text and the files it extends, all of them checked against the schema. Reports problems to `collected`;
 * where there are any, what is returned is not complete.
 */
export function readSources(named: NamedText, collected: Diagnostics[]): PolicySources {
  const reader = new SourceReader(collected);
  reader.read(named, []);
  return reader;
}

class SourceReader implements PolicySources {
  readonly sources: PolicySource[] = [];
  readonly files: string[] = [];
  readonly #collected: Diagnostics[];
  readonly #seen: Set<string> = new Set();

  constructor(collected: Diagnostics[]) {
    this.#collected = collected;
  }

  /** `chain` holds the identities and names of the files that lead here by extending one another. */
  read({ text, name, file }: NamedText, chain: readonly (readonly [string, string])[]): void {
    // A byte order mark is not part of the first line's columns.
    const content = text.startsWith("\uFEFF") ? text.slice(1) : text;
    const diagnostics = new Diagnostics(name, content);
    this.#collected.push(diagnostics);
    const document = readDocument(content, diagnostics);
    if (document === undefined) return;
    validateShape(document, diagnostics);
    const source = { diagnostics, document };
    const here = file === undefined ? chain : [...chain, [identityOf(file), name] as const];
    if (file !== undefined) this.#seen.add(identityOf(file));
    for (const [path, parent] of extended(source)) this.#extend(source, path, parent, name, file, here);
    this.sources.push(source);
  }

  #extend(
    { diagnostics, document }: PolicySource,
    path: Path,
    parent: string,
    name: string,
    file: string | undefined,
    chain: readonly (readonly [string, string])[],
  ): void {
    const report = (message: string): void => diagnostics.report(offsetOf(document.root, path), path, message);
    if (file === undefined) return report("a policy that came from no file cannot extend one; name its source");
    const parentFile = resolve(dirname(file), parent);
    const parentName = isAbsolute(parent) ? parent : join(dirname(name), parent);
    const identity = identityOf(parentFile);
    const start = chain.findIndex(([each]) => each === identity);
    if (start !== -1) {
      const cycle = [...chain.slice(start).map(([, each]) => each), parentName];
      return report(`extends itself: ${cycle.map(showFile).join(" extends ")}`);
    }
    if (this.#seen.has(identity)) return;
    if (chain.length >= MAX_CHAIN) return report(`more than ${MAX_CHAIN} files that extend one another`);
    if (this.files.length >= MAX_FILES) return report(`more than ${MAX_FILES} files in one policy`);
    try {
      this.files.push(parentFile);
      const text = readPolicyFile(parentFile);
      this.read({ text, name: parentName, file: parentFile }, chain);
    } catch (error) {
      if (!PolicyLoadError.isInstance(error)) throw error;
      report(`${showFile(parentName)} cannot be extended: ${error.issues[0]?.message ?? "it cannot be read"}`);
    }
  }
}

/** The files a document extends, each with the place that names it; none when that part of it has problems. */
function extended({ diagnostics, document }: PolicySource): readonly (readonly [Path, string])[] {
  const { data } = document;
  const written = isRecord(data) && !diagnostics.touches(["extends"]) ? data["extends"] : undefined;
  if (typeof written === "string") return [[["extends"], written]];
  if (!Array.isArray(written)) return [];
  return written.map((parent, index) => [["extends", index], String(parent)]);
}

/** The same for all paths that lead to one file. */
function identityOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return resolve(file);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
