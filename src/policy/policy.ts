/** Policy: a checked policy file that decides about events. */

import { resolve } from "node:path";

import { PolicyLoadError } from "../errors.ts";
import { ActionEvent, type Decision } from "../event.ts";
import { Subject } from "./conditions/condition.ts";
import type { Diagnostics } from "./document/diagnostics.ts";
import { checkOptionNames, optionNames } from "../options.ts";
import { explain, type Explanation } from "./explain.ts";
import { readPolicyFile } from "./document/policy-file.ts";
import { approvalTimeout, digestOf, resolvePolicy, riskActions, type ResolvedPolicy } from "./resolved.ts";
import {
  possibleDecisions,
  unansweredConditions,
  type Need,
  type PossibleDecisions,
} from "./partial/possible-decisions.ts";
import { compileRules } from "./rule-compiler.ts";
import { checkWaitingExamples, isWaiting, makeReady } from "./readiness.ts";
import { RuleSet } from "./matching/rule-set.ts";
import type { WrittenRule } from "./rule.ts";
import { readSources, type NamedText, type PolicySource } from "./document/sources.ts";
import type { UnknownPart } from "./partial/unknown-part.ts";
import { whyNotAllow, type Obstacles } from "./why-not-allow.ts";

/** Options of {@link Policy.parse}. */
export interface PolicyParseOptions {
  /**
   * What errors and decisions call the text: the path of the file it is from. Files it extends are relative to that; without
   * a source it cannot extend any. Default: `<policy>`.
   */
  readonly source?: string | undefined;
}

const PARSE_OPTIONS = optionNames<PolicyParseOptions>({ source: true });

const INVALID_PAYLOAD: Decision = Object.freeze({ decision: "deny", reason: "payload_invalid" });

/** A policy that has been checked and compiled. Frozen. Made by {@link Policy.load} or {@link Policy.parse}. */
export class Policy {
  /** Absolute paths of the files that were read: the one that was loaded first, then those it extends. Frozen. */
  readonly files: readonly string[];
  /** How long an approval may be waited for and used, in seconds; `undefined` when no file of the policy says. */
  readonly approvalTimeoutSeconds: number | undefined;
  readonly #sources: readonly PolicySource[];
  readonly #rules: readonly WrittenRule[];
  readonly #ruleSet: RuleSet;
  /** Rules with conditions that need something loaded. */
  readonly #waiting: readonly WrittenRule[];
  #isReady = false;
  #digest: string | undefined;

  private constructor(named: NamedText, read: readonly string[]) {
    const collected: Diagnostics[] = [];
    const { sources, files } = readSources(named, collected);
    this.#rules = compileRules(sources);
    this.files = Object.freeze([...read, ...files]);
    if (!collected.every(({ clean }) => clean)) {
      const issues = collected.flatMap((each) => each.issues());
      throw new PolicyLoadError(issues, { files: this.files });
    }
    this.approvalTimeoutSeconds = approvalTimeout(sources);
    this.#sources = sources;
    this.#waiting = this.#rules.filter(isWaiting);
    this.#ruleSet = new RuleSet(this.#rules, riskActions(sources));
    Object.freeze(this);
  }

  /**
   * Makes a policy of YAML 1.2 or JSON text. Synchronous; reads the files that the text extends, and nothing else.
   *
   * @throws PolicyLoadError with every problem found, when the text or a file it extends is not a valid policy.
   * @throws TypeError when `yamlText` or `source` is not a string.
   */
  static parse(yamlText: string, options: PolicyParseOptions = {}): Policy {
    checkOptionNames("Policy.parse", options, PARSE_OPTIONS);
    const { source } = options;
    if (typeof yamlText !== "string") throw new TypeError("Policy.parse: the policy must be a string of YAML");
    if (source !== undefined && typeof source !== "string")
      throw new TypeError("Policy.parse: source must be a string");
    return new Policy({ text: yamlText, name: source ?? "<policy>", file: source && resolve(source) }, []);
  }

  /**
   * Makes a policy of a file. Synchronous; reads the file and those it extends, and nothing else.
   *
   * @throws PolicyLoadError when a file cannot be read, or with every problem found in them.
   * @throws TypeError when `path` is not a string.
   */
  static load(path: string): Policy {
    if (typeof path !== "string") throw new TypeError("Policy.load: path must be a string");
    const file = resolve(path);
    return new Policy({ text: readPolicyFile(path), name: path, file }, [file]);
  }

  /** Whether `value` is a policy made by this copy of the package. */
  static isInstance(value: unknown): value is Policy {
    return typeof value === "object" && value !== null && #rules in value;
  }

  /**
   * The lower-case hexadecimal SHA-256 of the policy's canonical form: 64 characters, the same whatever the comments, the
   * order of keys, the names of the files and how the policy is split into them. The order of rules counts.
   */
  get digest(): string {
    this.#digest ??= digestOf(this.toJSON());
    return this.#digest;
  }

  /** The rules as they are written and compiled, those of extended files first. For checks of the policy itself. */
  get rules(): readonly WrittenRule[] {
    return this.#rules;
  }

  /**
   * Decides about one event. Synchronous and pure; never throws, whatever the payload. Deny beats require_approval beats
   * allow, in whatever order they are written; what no rule covers is denied. Conditions that need something loaded answer
   * `maybe` until {@link ready} has resolved. What would be allowed needs approval if the
   * event's context has a `require_approval` other than false or null; such a decision names no rule.
   *
   * @throws TypeError when `event` was not made by this package: then its payload could change while it is judged.
   */
  evaluate(event: ActionEvent): Decision {
    if (!ActionEvent.isInstance(event)) throw new TypeError("Policy.evaluate: event must be an ActionEvent");
    if (event.payloadProblem !== undefined) return INVALID_PAYLOAD;
    return this.#ruleSet.decide(new Subject(event));
  }

  /**
   * Says, for every rule that could apply to an event, what each of its conditions answers and why, and which rule decides.
   * Synchronous; the decision is what {@link evaluate} answers.
   *
   * @throws TypeError when `event` was not made by this package.
   */
  explain(event: ActionEvent): Explanation {
    return explain(this.evaluate(event), event, this.#ruleSet);
  }

  /**
   * Decides about an event of which parts are not known, because a record left them out, say: every decision that is possible
   * whatever stands there, and what it depends on. What stands in an unknown part of `event` is of no account. A single
   * decision is what {@link evaluate} answers about the whole event. Synchronous.
   *
   * @throws TypeError when `event` was not made by this package.
   */
  possibleDecisions(event: ActionEvent, unknown: readonly UnknownPart[]): PossibleDecisions {
    if (unknown.length === 0 || event.payloadProblem !== undefined)
      return { decisions: [this.evaluate(event)], needs: [] };
    if (!ActionEvent.isInstance(event)) throw new TypeError("Policy.possibleDecisions: event must be an ActionEvent");
    return possibleDecisions(event, unknown, this.#ruleSet);
  }

  /**
   * Says which conditions of the rules that could apply to an event have no certain answer, because parts of it are not known.
   * What {@link explain} says of the others holds. Synchronous.
   *
   * @throws TypeError when `event` was not made by this package.
   */
  unanswered(event: ActionEvent, unknown: readonly UnknownPart[]): readonly Need[] {
    if (!ActionEvent.isInstance(event)) throw new TypeError("Policy.unanswered: event must be an ActionEvent");
    return unansweredConditions(event, unknown, this.#ruleSet);
  }

  /**
   * Says what stands between an event and an allow: the rules that stop it, and which conditions the nearest allow rules
   * miss. Synchronous.
   *
   * @throws TypeError when `event` was not made by this package.
   */
  whyNotAllow(event: ActionEvent): Obstacles {
    return whyNotAllow(this.explain(event), event, this.#rules);
  }

  /** The policy as one plain document, its files put together: a policy parsed from its JSON decides alike. */
  toJSON(): ResolvedPolicy {
    return resolvePolicy(this.#sources, this.#rules);
  }

  /**
   * Resolves when every condition can give its final answer: at once, unless one needs a parser loaded. Then the examples of
   * rules with such conditions are checked, as those of others were when the policy was made.
   *
   * @throws PolicyLoadError when a parser cannot be loaded, or when a rule does not treat its examples as it says.
   */
  async ready(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await makeReady(this.#waiting);
    if (this.#isReady) return;
    checkWaitingExamples(this.#waiting);
    this.#isReady = true;
  }
}
