/** Policy: a checked policy file that decides about events. */

import { ActionEvent, type Decision } from "../event.ts";
import { Subject } from "./conditions/condition.ts";
import { Diagnostics } from "./diagnostics.ts";
import { digestOf } from "./digest.ts";
import { readDocument } from "./document.ts";
import { readPolicyFile } from "./policy-file.ts";
import { compileRules } from "./rule-compiler.ts";
import { RuleSet } from "./rule-set.ts";
import { validateShape } from "./validate.ts";

/** Options of {@link Policy.parse}. */
export interface PolicyParseOptions {
  /** What errors and decisions call the text. Default: `<policy>`. */
  readonly source?: string | undefined;
}

const INVALID_PAYLOAD: Decision = Object.freeze({ decision: "deny", reason: "payload_invalid" });

/** A policy that has been checked and compiled. Frozen. Made by {@link Policy.load} or {@link Policy.parse}. */
export class Policy {
  /**
   * The lower-case hexadecimal SHA-256 of the policy's canonical form: 64 characters, the same whatever the comments, the
   * order of keys and the name of the file. The order of rules within a section counts.
   */
  readonly digest: string;
  readonly #rules: RuleSet;

  private constructor(rules: RuleSet, digest: string) {
    this.#rules = rules;
    this.digest = digest;
    Object.freeze(this);
  }

  /**
   * Makes a policy of YAML 1.2 or JSON text. Synchronous.
   *
   * @throws PolicyLoadError with every problem found, when the text is not a valid policy.
   * @throws TypeError when `yamlText` or `source` is not a string.
   */
  static parse(yamlText: string, options: PolicyParseOptions = {}): Policy {
    const { source = "<policy>" } = options;
    if (typeof yamlText !== "string") throw new TypeError("Policy.parse: the policy must be a string of YAML");
    if (typeof source !== "string") throw new TypeError("Policy.parse: source must be a string");
    // A byte order mark is not part of the first line's columns.
    const text = yamlText.startsWith("\uFEFF") ? yamlText.slice(1) : yamlText;
    const diagnostics = new Diagnostics(source, text);
    const document = readDocument(text, diagnostics);
    if (document !== undefined) {
      validateShape(document, diagnostics);
      const rules = compileRules(document, diagnostics);
      if (diagnostics.clean) return new Policy(new RuleSet(rules), digestOf(document));
    }
    throw diagnostics.toError();
  }

  /**
   * Makes a policy of a file. Synchronous; reads nothing but this file.
   *
   * @throws PolicyLoadError when the file cannot be read, or with every problem found in it.
   * @throws TypeError when `path` is not a string.
   */
  static load(path: string): Policy {
    if (typeof path !== "string") throw new TypeError("Policy.load: path must be a string");
    return Policy.parse(readPolicyFile(path), { source: path });
  }

  /** Whether `value` is a policy made by this copy of the package. */
  static isInstance(value: unknown): value is Policy {
    return typeof value === "object" && value !== null && #rules in value;
  }

  /**
   * Decides about one event. Synchronous and pure; never throws, whatever the payload. Deny beats require_approval beats
   * allow, in whatever order they are written; what no rule covers is denied. What would be allowed needs approval if the
   * event's context has a `require_approval` other than false or null; such a decision names no rule.
   *
   * @throws TypeError when `event` was not made by this package: then its payload could change while it is judged.
   */
  evaluate(event: ActionEvent): Decision {
    if (!ActionEvent.isInstance(event)) throw new TypeError("Policy.evaluate: event must be an ActionEvent");
    if (event.payloadProblem !== undefined) return INVALID_PAYLOAD;
    return this.#rules.decide(new Subject(event));
  }

  /** Resolves when every condition can give its final answer: at once, as none needs anything loaded. */
  async ready(): Promise<void> {}
}
