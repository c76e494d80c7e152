/** ActionRuntime: decides, records the decision, and only then answers. */

import { AuditUnavailableError, CapFenceError } from "./errors.ts";
import { ActionEvent, type ActionEventFields, type Decision, type Verdict } from "./event.ts";
import { defaultAuditLog } from "./audit/default-path.ts";
import { AuditLog } from "./audit/log.ts";
import type { OutcomeStatus } from "./audit/entry.ts";
import { decisionEntry, outcomeEntry, type RecordingOptions } from "./audit/record.ts";
import { Policy } from "./policy/policy.ts";

/** What an {@link ActionRuntime} takes beside its policy. */
export interface ActionRuntimeOptions {
  /** Path of the audit log. Default: `CAPFENCE_AUDIT_LOG`, else `./audit.db`. */
  readonly auditLog?: string | undefined;
  /** What of a payload is recorded. Default: all of it, and its salted digest. */
  readonly audit?: RecordingOptions | undefined;
  /**
   * Called when an outcome could not be recorded: the tool has run, so its result is still returned, but the log has
   * closed and nothing runs any more. Default: a process warning. What it throws is ignored.
   */
  readonly onAuditError?: ((error: Error) => void) | undefined;
}

/** How a tool call ended, for {@link ActionRuntime.recordOutcome}. */
export interface Outcome {
  /** `finished`, `failed` (the tool threw), or `aborted` (allowed, but cancelled before the tool started). */
  readonly status: OutcomeStatus;
  /** Milliseconds the tool ran. */
  readonly durationMs: number;
  /** What the tool returned; only a salted digest of it is recorded, and only if it is text or plain JSON. */
  readonly output?: unknown;
}

/** Judges events under one policy and records every decision in one audit log. Safe for concurrent use. */
export class ActionRuntime {
  readonly #policy: Policy;
  readonly #log: AuditLog;
  readonly #recording: RecordingOptions;
  readonly #onAuditError: (error: Error) => void;

  private constructor(policy: Policy, options: ActionRuntimeOptions) {
    checkOptions(options);
    this.#policy = policy;
    this.#recording = options.audit ?? {};
    this.#onAuditError = options.onAuditError ?? ((error) => process.emitWarning(error));
    this.#log = new AuditLog(options.auditLog ?? defaultAuditLog());
  }

  /**
   * Makes a runtime from a policy file's path or a loaded {@link Policy}. Synchronous; the log is opened by the first
   * {@link execute}.
   *
   * @throws PolicyLoadError when the file is missing or not a valid policy.
   * @throws TypeError naming an option that is unknown or of the wrong type.
   */
  static fromPolicy(policy: string | Policy, options: ActionRuntimeOptions = {}): ActionRuntime {
    return new ActionRuntime(typeof policy === "string" ? Policy.load(policy) : policy, options);
  }

  /**
   * Decides and records; does not run anything. Resolves once the decision is durable on disk.
   *
   * @throws AuditUnavailableError when the decision cannot be recorded; then nothing may run.
   * @throws AuditCorruptError when the log contradicts itself.
   * @throws TypeError when `event` is not an event and cannot be made one.
   */
  async execute(event: ActionEvent | ActionEventFields): Promise<Verdict> {
    // An event of another copy of the package, or a look-alike, is taken apart and copied again before it is judged.
    const judged = ActionEvent.isInstance(event) ? event : ActionEvent.create(event);
    await this.#policy.ready();
    const decision = this.#decide(judged);
    const authorized = decision.decision === "allow";
    const entry = await this.#log.append(
      decisionEntry(judged, decision, authorized, this.#policy.digest, this.#recording),
    );
    return Object.freeze({ ...decision, authorized, eventId: judged.id, entry });
  }

  /**
   * Records how an authorized call ended. Never rejects: the tool has run, and an error here would invite a second run.
   * A failure closes the log and is given to `onAuditError`.
   */
  async recordOutcome(event: ActionEvent, verdict: Verdict, outcome: Outcome): Promise<void> {
    try {
      await this.#log.append(outcomeEntry(event, verdict, outcome));
    } catch (error) {
      const problem = CapFenceError.isInstance(error)
        ? error
        : new AuditUnavailableError(this.#log.path, String(error), { cause: error });
      await this.#log.fail(problem);
      try {
        this.#onAuditError(problem);
      } catch {
        // The host's own handler failed; there is nobody left to tell.
      }
    }
  }

  /** Waits for what is being recorded, folds the log into its database file and lets go of it. Further calls are refused. */
  async close(): Promise<void> {
    await this.#log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #decide(event: ActionEvent): Decision {
    if (event.payloadProblem !== undefined) return { decision: "deny", reason: "payload_invalid" };
    return this.#policy.evaluate(event);
  }
}

const OPTIONS: ReadonlySet<string> = new Set(["auditLog", "audit", "onAuditError"]);
const RECORDING: ReadonlySet<string> = new Set(["payload", "redact"]);

/** A misspelt option would silently record a secret or write elsewhere, so it is refused. */
function checkOptions(options: ActionRuntimeOptions): void {
  for (const key of Object.keys(options)) {
    if (!OPTIONS.has(key)) throw new TypeError(`ActionRuntime: unknown option ${key}`);
  }
  for (const key of Object.keys(options.audit ?? {})) {
    if (!RECORDING.has(key)) throw new TypeError(`ActionRuntime: unknown option audit.${key}`);
  }
  const { auditLog, audit, onAuditError } = options;
  if (auditLog !== undefined && (typeof auditLog !== "string" || auditLog === "" || auditLog === ":memory:")) {
    throw new TypeError("ActionRuntime: auditLog must be the path of a file");
  }
  if (onAuditError !== undefined && typeof onAuditError !== "function") {
    throw new TypeError("ActionRuntime: onAuditError must be a function");
  }
  if (audit?.payload !== undefined && audit.payload !== "redacted" && audit.payload !== "none") {
    throw new TypeError('ActionRuntime: audit.payload must be "redacted" or "none"');
  }
  const paths: unknown = audit?.redact;
  if (
    paths !== undefined &&
    !(Array.isArray(paths) && paths.every((path) => typeof path === "string" && path !== ""))
  ) {
    throw new TypeError("ActionRuntime: audit.redact must be a list of paths");
  }
}
