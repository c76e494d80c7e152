/** Suites: named calls and what a policy is expected to decide about them, in a file beside the policy. */

import { PolicyLoadError } from "../../errors.ts";
import { ActionEvent, namedBy, type ActionEventFields, type DecisionKind } from "../../event.ts";
import { Diagnostics } from "../document/diagnostics.ts";
import type { PolicyDocument } from "../document/compose.ts";
import { readDocument } from "../document/document.ts";
import type { Path } from "../document/path.ts";
import { offsetOf } from "../document/place.ts";
import { readPolicyFile } from "../document/policy-file.ts";
import { SUITE_SCHEMA } from "./suite-schema.ts";
import { validateShape } from "../document/validate.ts";

/** One call, and what is expected of it. */
export interface SuiteCase {
  readonly name: string;
  readonly event: ActionEvent;
  readonly expect: {
    readonly decision: DecisionKind;
    /** The id of the rule that decides, or its place: `deny[0]`; `null` when none must. Not looked at when absent. */
    readonly rule?: string | null;
  };
  /** Where the case begins; lines count from 1. */
  readonly source: { readonly file: string; readonly line: number };
}

/** Cases that have been checked. */
export interface PolicySuite {
  readonly source: string;
  readonly cases: readonly SuiteCase[];
}

/**
 * Reads a suite from a file. Synchronous.
 *
 * @throws PolicyLoadError when the file cannot be read, or with every problem found in it.
 */
export function loadSuite(path: string): PolicySuite {
  return parseSuite(readPolicyFile(path), path);
}

/**
 * Reads a suite from YAML or JSON. Synchronous.
 *
 * @throws PolicyLoadError with every problem found.
 */
export function parseSuite(text: string, source = "<suite>"): PolicySuite {
  const content = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const diagnostics = new Diagnostics(source, content);
  const document = readDocument(content, diagnostics);
  const cases = document === undefined ? [] : readCases(document, diagnostics);
  if (!diagnostics.clean) throw new PolicyLoadError(diagnostics.issues());
  return { source, cases };
}

interface WrittenCase {
  readonly name: string;
  readonly event: Partial<ActionEventFields>;
  readonly expect: SuiteCase["expect"];
}

function readCases(document: PolicyDocument, diagnostics: Diagnostics): readonly SuiteCase[] {
  validateShape(document, diagnostics, SUITE_SCHEMA, "a suite");
  if (!diagnostics.clean) return [];
  const { cases } = document.data as { readonly cases: readonly WrittenCase[] };
  const names = new Set<string>();
  return cases.flatMap((written, index) => {
    const path = ["cases", index];
    const report = (inner: Path, message: string): void => {
      const place = [...path, ...inner];
      diagnostics.report(offsetOf(document.root, place), place, message);
    };
    if (names.has(written.name)) report(["name"], "is the name of an earlier case");
    names.add(written.name);
    const event = eventOf(written, (message) => report(["event"], message));
    if (event === undefined) return [];
    const line = diagnostics.lineOf(offsetOf(document.root, path));
    const { name, expect } = written;
    return { name, event, expect, source: { file: diagnostics.source, line } };
  });
}

/** A call as a suite writes it: a capability, or a resource and an action. */
function eventOf({ event }: WrittenCase, report: (message: string) => void): ActionEvent | undefined {
  // Mappings of a document have no prototype; those of payloads do.
  const fields = JSON.parse(JSON.stringify(event)) as Partial<ActionEventFields>;
  const named = fields.capability === undefined ? { resource: "", action: "" } : namedBy(fields.capability);
  try {
    const made = ActionEvent.create({ actor: "suite", ...named, environment: "production", ...fields });
    if (made.payloadProblem !== undefined) report(`cannot be judged: ${made.payloadProblem}`);
    return made;
  } catch (error) {
    report(error instanceof TypeError ? `is no call: ${error.message}` : "is no call");
    return undefined;
  }
}
