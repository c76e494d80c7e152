/** Makes rules of a document whose shape has been checked. */

import type { DecisionKind, Reason } from "../event.ts";
import type { Condition } from "./conditions/condition.ts";
import { CONDITIONS } from "./conditions/index.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { PolicyDocument } from "./document.ts";
import { findInvisible } from "./invisible.ts";
import { showKey, type Path } from "./path.ts";
import { offsetOf } from "./place.ts";
import { SECTIONS, type Rule } from "./rule.ts";

const REASONS: Readonly<Record<DecisionKind, Reason>> = {
  deny: "policy_deny",
  require_approval: "approval_required",
  allow: "policy_allow",
};

/** The ids that rules without one are given, so that an author's id never names another rule. */
const PLACE = /^(?:deny|require_approval|allow)\[\d+\]$/;

/**
 * Compiles every rule. Reports what ids and conditions have wrong; rules and conditions with problems already reported are
 * passed over, so the result is complete only if `diagnostics` stays clean.
 */
export function compileRules(document: PolicyDocument, diagnostics: Diagnostics): readonly Rule[] {
  const compiler = new RuleCompiler(document, diagnostics);
  return Object.freeze(
    SECTIONS.flatMap((section) => {
      const rules = isRecord(document.data) ? document.data[section] : undefined;
      if (!Array.isArray(rules)) return [];
      return rules.flatMap((rule: unknown, index) => compiler.compile(rule, section, index) ?? []);
    }),
  );
}

class RuleCompiler {
  readonly #document: PolicyDocument;
  readonly #diagnostics: Diagnostics;
  readonly #ids: Set<string> = new Set();

  constructor(document: PolicyDocument, diagnostics: Diagnostics) {
    this.#document = document;
    this.#diagnostics = diagnostics;
  }

  compile(written: unknown, section: DecisionKind, index: number): Rule | undefined {
    const path = [section, index];
    const fields = typeof written === "string" ? { capability: written } : written;
    if (!isRecord(fields)) return undefined;
    const conditions = Object.entries(fields).flatMap(
      ([key, value]) => this.#condition([...path, key], key, value) ?? [],
    );
    const id = this.#id([...path, "id"], fields["id"]) ?? `${section}[${index}]`;
    const { capability } = fields;
    if (typeof capability !== "string" || this.#diagnostics.touches(path)) return undefined;
    const line = this.#diagnostics.lineOf(offsetOf(this.#document.root, path));
    const source = Object.freeze({ file: this.#diagnostics.source, line });
    const rule = Object.freeze({ id, section, index, source });
    const decision = Object.freeze({ decision: section, reason: REASONS[section], rule });
    return Object.freeze({ capability, conditions: Object.freeze(conditions), decision });
  }

  #condition(path: Path, key: string, value: unknown): Condition | undefined {
    const compile = Object.hasOwn(CONDITIONS, key) ? CONDITIONS[key] : undefined;
    if (compile === undefined || this.#diagnostics.touches(path)) return undefined;
    return compile(value, (inner, message) => this.#report([...path, ...inner], message));
  }

  #id(path: Path, id: unknown): string | undefined {
    if (typeof id !== "string" || this.#diagnostics.touches(path)) return undefined;
    const invisible = findInvisible(id);
    if (invisible !== undefined) this.#report(path, `has the invisible character ${invisible}`);
    else if (id.trim() !== id) this.#report(path, "begins or ends with white space");
    else if (PLACE.test(id)) this.#report(path, `${showKey(id)} is how a rule without an id is called; choose another`);
    else if (this.#ids.has(id))
      this.#report(path, `${showKey(id)} is the id of an earlier rule; ids are unique in a file`);
    this.#ids.add(id);
    return id;
  }

  #report(path: Path, message: string): void {
    this.#diagnostics.report(offsetOf(this.#document.root, path), path, message);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
