/** Makes rules of documents whose shape has been checked. */

import type { DecisionKind, Reason } from "../event.ts";
import { CONDITIONS } from "./conditions/index.ts";
import { checkExamples } from "./examples.ts";
import { findInvisible } from "./invisible.ts";
import { modernRule } from "./legacy-rules.ts";
import { checkNumberSpelling } from "./document/number-spelling.ts";
import { showFile, showKey, type Path } from "./document/path.ts";
import { offsetOf } from "./document/place.ts";
import { SECTIONS, type NamedCondition, type WrittenRule } from "./rule.ts";
import type { PolicySource } from "./document/sources.ts";

const REASONS: Readonly<Record<DecisionKind, Reason>> = {
  deny: "policy_deny",
  require_approval: "approval_required",
  allow: "policy_allow",
};

/** The ids that rules without one are given, so that an author's id never names another rule. */
const PLACE = /^(?:deny|require_approval|allow|rules)\[\d+\]$/;

/**
 * Compiles every rule of every source. Reports what ids, conditions and examples have wrong; rules and conditions with
 * problems already reported are passed over, so the result is complete only if all diagnostics stay clean.
 */
export function compileRules(sources: readonly PolicySource[]): readonly WrittenRule[] {
  const rules: WrittenRule[] = [];
  const ids = new Map<string, string>();
  const shared = new Map<string, NamedCondition>();
  for (const source of sources) new RuleCompiler(source, ids, shared, rules).compile();
  return rules;
}

/** Compiles the rules of one source. */
class RuleCompiler {
  readonly #source: PolicySource;
  /** The ids so far, and the sources that have them. */
  readonly #ids: Map<string, string>;
  /** Conditions that say the same are one: the fewer there are, the more of them stay in the processor's cache. */
  readonly #shared: Map<string, NamedCondition>;
  readonly #rules: WrittenRule[];

  constructor(
    source: PolicySource,
    ids: Map<string, string>,
    shared: Map<string, NamedCondition>,
    rules: WrittenRule[],
  ) {
    this.#source = source;
    this.#ids = ids;
    this.#shared = shared;
    this.#rules = rules;
  }

  compile(): void {
    const { data } = this.#source.document;
    if (!isRecord(data)) return;
    for (const section of SECTIONS) {
      for (const [index, written] of listOf(data[section]).entries()) {
        this.#rule([section, index], section, index, typeof written === "string" ? { capability: written } : written);
      }
    }
    for (const [index, written] of listOf(data["rules"]).entries()) {
      const modern = isRecord(written) ? modernRule(written) : undefined;
      if (modern !== undefined) this.#rule(["rules", index], modern.section, index, modern.rule);
    }
  }

  #rule(path: Path, section: DecisionKind, index: number, fields: unknown): void {
    const { diagnostics, document } = this.#source;
    if (!isRecord(fields)) return;
    const conditions: NamedCondition[] = [];
    for (const key of Object.keys(fields)) {
      const condition = this.#condition(path, section, key, fields[key]);
      if (condition !== undefined) conditions.push(condition);
    }
    const written = fields["id"];
    const id = written === undefined || this.#touches(path, "id") ? undefined : this.#id([...path, "id"], written);
    const { capability, reason } = fields;
    if (typeof capability !== "string" || diagnostics.touches(path)) return;
    const reference = Object.freeze({
      id: id ?? `${String(path[0])}[${index}]`,
      section,
      index,
      source: Object.freeze({ file: diagnostics.source, line: diagnostics.lineOf(offsetOf(document.root, path)) }),
    });
    const decided = { decision: section, reason: REASONS[section], rule: reference };
    const decision = Object.freeze(typeof reason === "string" ? { ...decided, message: reason } : decided);
    const order = this.#rules.length;
    const rule: WrittenRule = { capability, conditions, decision, order, fields, source: this.#source, path };
    // What is not ready yet gives no final answers: Policy.ready() looks at those examples.
    if (fields["examples"] !== undefined && conditions.every(({ ready }) => ready === undefined)) {
      checkExamples(rule, fields["examples"], (inner, message) =>
        this.#report([...path, "examples", ...inner], message),
      );
    }
    this.#rules.push(rule);
  }

  #condition(path: Path, section: DecisionKind, key: string, value: unknown): NamedCondition | undefined {
    const kind = Object.hasOwn(CONDITIONS, key) ? CONDITIONS[key] : undefined;
    if (kind === undefined || this.#touches(path, key)) return undefined;
    if (kind.readsNumbersAsText === true) {
      checkNumberSpelling(value, [...path, key], this.#source.document, (inner, message) =>
        this.#report(inner, message),
      );
    }
    const name = isScalar(value) ? `${section} ${key} ${typeof value} ${value}` : undefined;
    const known = name === undefined ? undefined : this.#shared.get(name);
    if (known !== undefined) return known;
    const condition = kind.compile(value, (inner, message) => this.#report([...path, key, ...inner], message), section);
    const named = { key, ...condition };
    // What has a problem is compiled again, so that the problem is told at every place.
    if (name !== undefined && this.#source.diagnostics.clean) this.#shared.set(name, named);
    return named;
  }

  #id(path: Path, id: unknown): string | undefined {
    if (typeof id !== "string") return undefined;
    const here = this.#source.diagnostics.source;
    const owner = this.#ids.get(id);
    const invisible = findInvisible(id);
    if (invisible !== undefined) this.#report(path, `has the invisible character ${invisible}`);
    else if (id.trim() !== id) this.#report(path, "begins or ends with white space");
    else if (PLACE.test(id)) this.#report(path, `${showKey(id)} is how a rule without an id is called; choose another`);
    else if (owner !== undefined) {
      const place =
        owner === here
          ? "an earlier rule; ids are unique in a file"
          : `a rule of ${showFile(owner)}, which is extended`;
      this.#report(path, `${showKey(id)} is the id of ${place}`);
    }
    this.#ids.set(id, here);
    return id;
  }

  #touches(path: Path, key: string): boolean {
    return !this.#source.diagnostics.clean && this.#source.diagnostics.touches([...path, key]);
  }

  #report(path: Path, message: string): void {
    this.#source.diagnostics.report(offsetOf(this.#source.document.root, path), path, message);
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
