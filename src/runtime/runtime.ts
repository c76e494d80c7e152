/** ActionRuntime: decides, records the decision, and only then answers. */

import { settle, type Settlement } from "../approvals/ask.ts";
import type { ApproverKeys } from "../approvals/signature.ts";
import { Checkpointer } from "../audit/checkpoints/checkpointer.ts";
import { defaultAuditLog } from "../audit/default-path.ts";
import { PreparedEntry } from "../audit/format/entry.ts";
import { AuditLog } from "../audit/log.ts";
import {
  decisionEntry,
  outcomeEntry,
  recordedEvent,
  policyEntry,
  refusedPolicyEntry,
  type RecordingOptions,
} from "../audit/recording/record.ts";
import { AuditUnavailableError, CapFenceError, PolicyLoadError } from "../errors.ts";
import { ActionEvent, type ActionEventFields, type Decision, type Reason, type Verdict } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import { ApprovalsOfLog } from "./approvals.ts";
import type { Approvals } from "./approvals-interface.ts";
import { callOf, type CallToApprove } from "./call.ts";
import { PolicyInForce } from "./policy-in-force.ts";
import { Recorder } from "./recorder.ts";
import { checkAsking, checkWaiting, untilAnswered, type Asking, type ExecuteOptions, type Waiting } from "./waiting.ts";
import { checkOutcome, type Outcome } from "./outcome.ts";
import { checkOptions, readApproverKeys, type ActionRuntimeOptions } from "./options.ts";

/** The reasons for a refusal that is the host's own and not the policy's. */
export type RefusalReason = Extract<Reason, "context_invalid" | "unknown_tool" | "bypassed">;

const REFUSALS: ReadonlySet<string> = new Set<RefusalReason>(["context_invalid", "unknown_tool", "bypassed"]);

/** Judges events under one policy and records every decision in one audit log. Safe for concurrent use. */
export class ActionRuntime {
  readonly #source: PolicyInForce;
  readonly #observes: boolean;
  readonly #log: AuditLog;
  readonly #recorder: Recorder;
  readonly #approverKeys: ApproverKeys;
  readonly #waiting: Waiting;
  /** The requests that wait for a person, their answers, and standing grants. */
  readonly approvals: Approvals;
  readonly #approvals: ApprovalsOfLog;
  readonly #recording: RecordingOptions;
  readonly #onPolicyError: (error: Error) => unknown;
  readonly #onAuditError: (error: Error) => unknown;
  readonly #checkpointer: Checkpointer | undefined;
  readonly #watching: NodeJS.Timeout | undefined;
  #reloading: Promise<unknown> = Promise.resolve();
  /** Why the policy that was last read was not taken; one problem is recorded and told once. */
  #refusedPolicy: string | undefined;
  #closed: Promise<void> | undefined;

  private constructor(policy: string | Policy, options: ActionRuntimeOptions) {
    checkOptions(options);
    this.#source = new PolicyInForce(policy);
    this.#observes = options.mode === "observe";
    const { payload, redact } = options.audit ?? {};
    this.#recording = { payload, redact: redact && [...redact] };
    this.#onPolicyError = options.onPolicyError ?? warn;
    this.#onAuditError = options.onAuditError ?? warn;
    const location = options.auditLog ?? defaultAuditLog();
    this.#log = new AuditLog(location, undefined, (problem) => this.#reportAudit(problem));
    this.#checkpointer =
      options.checkpoints &&
      new Checkpointer(
        options.checkpoints,
        () => this.#log.entries("latest first"),
        (error) => this.#reportAudit(this.#problemOf(error)),
      );
    this.#recorder = new Recorder(this.#log, this.#checkpointer);
    this.#approverKeys = readApproverKeys(options.approverKeys);
    this.#approvals = new ApprovalsOfLog(this.#recorder, this.#approverKeys);
    this.approvals = this.#approvals;
    this.#waiting = checkWaiting({ onApproval: options.onApproval, timeoutMs: options.timeoutMs });
    if (options.watch === true) {
      this.#watching = this.#source.watch(
        async () => await this.reload(),
        (problem) => tell(this.#onPolicyError, problem),
      );
    }
  }

  /**
   * Makes a runtime from a policy file's path or a loaded {@link Policy}. Synchronous; the log is opened by the first
   * {@link execute}.
   *
   * @throws PolicyLoadError when the file is missing or not a valid policy.
   * @throws TypeError when `policy` is neither, or naming an option that is unknown or of the wrong type; a key file that
   *   can't be read or holds no key is such an option, and so is `watch` for a policy that came from no file.
   */
  static fromPolicy(policy: string | Policy, options: ActionRuntimeOptions = {}): ActionRuntime {
    return new ActionRuntime(policy, options);
  }

  /**
   * Decides and records; does not run anything. Resolves once the decision is durable on disk. Where a rule asks for
   * approval, the verdict of the first call has the reason `approval_required` and an `approvalId`; once a person has
   * approved that, the same call is authorized, once.
   *
   * @throws AuditUnavailableError when the decision cannot be recorded; then nothing may run.
   * @throws AuditCorruptError when the log contradicts itself.
   * @throws PolicyLoadError when the policy can't be made ready, see {@link Policy.ready}; nothing is recorded then.
   * @throws TypeError when `event` is not an event and cannot be made one, or an option is wrong.
   * @throws what `signal` was aborted with, while it waits for an answer.
   */
  async execute(event: ActionEvent | ActionEventFields, options: ExecuteOptions = {}): Promise<Verdict> {
    const waiting = checkWaiting(options, this.#waiting);
    // An event of another copy of the package, or a look-alike, is taken apart and copied again before it is judged.
    const judged = ActionEvent.isInstance(event) ? event : ActionEvent.create(event);
    // One policy for the whole decision, whatever is put in force meanwhile.
    const { policy } = this.#source;
    await policy.ready();
    const decision = policy.evaluate(judged);
    if (decision.decision === "require_approval" && !this.#observes) {
      const toApprove = { event: judged, decision, policy, tool: options.tool };
      const { timeoutSeconds, ask } = this.#asking(toApprove);
      return await untilAnswered(ask, (over) => this.#log.approvalChanges(over), waiting, timeoutSeconds);
    }
    const isObserved = this.#observes && judged.payloadProblem === undefined;
    return await this.#verdict(judged, decision, isObserved || decision.decision === "allow", policy);
  }

  /**
   * Asks a person about a call that needs one and has no answer yet; answers the verdict that says so, recorded. Answers
   * nothing, and uses no approval, when the call needs nobody's answer now: ask `execute` then.
   *
   * @throws AuditUnavailableError, AuditCorruptError, PolicyLoadError, TypeError as {@link execute}.
   */
  async ask(
    event: ActionEvent | ActionEventFields,
    options: Pick<ExecuteOptions, "tool"> = {},
  ): Promise<Verdict | undefined> {
    checkAsking(options);
    const judged = ActionEvent.isInstance(event) ? event : ActionEvent.create(event);
    const { policy } = this.#source;
    await policy.ready();
    const decision = policy.evaluate(judged);
    if (decision.decision !== "require_approval" || this.#observes) return undefined;
    return await this.#asking({ event: judged, decision, policy, tool: options.tool }).ask("only ask");
  }

  /**
   * Reads the policy's files anew and puts them in force at once, for all calls judged from then on; answers whether the
   * policy has changed. A change, and a policy that is not taken, are recorded.
   *
   * @throws PolicyLoadError when the files hold no valid policy now; the one before stays in force.
   * @throws AuditUnavailableError when it can't be recorded; the policy before stays in force.
   * @throws AuditCorruptError when the log contradicts itself; likewise.
   * @throws TypeError when the runtime was made from a loaded policy, which has no file to read.
   */
  async reload(): Promise<boolean> {
    const reloaded = this.#reloading.then(async () => await this.#reload());
    this.#reloading = reloaded.catch(() => {});
    return await reloaded;
  }

  /**
   * Records, as a denial for `reason`, a call that never came before the policy: its tool is unknown, say. Resolves once
   * that is durable on disk.
   *
   * @throws AuditUnavailableError when it cannot be recorded.
   * @throws AuditCorruptError when the log contradicts itself.
   * @throws TypeError when `event` is not an event and cannot be made one, or the reason is the policy's to give.
   */
  async refuse(event: ActionEvent | ActionEventFields, reason: RefusalReason): Promise<Verdict> {
    if (!REFUSALS.has(reason)) throw new TypeError("ActionRuntime: refuse needs a reason that is not the policy's");
    const refused = ActionEvent.isInstance(event) ? event : ActionEvent.create(event);
    return await this.#verdict(refused, { decision: "deny", reason }, false, this.#source.policy);
  }

  /**
   * Records how an authorized call ended. When that fails it does not reject: the tool has run, and an error here would invite
   * a second run. The log is closed then, and the failure is given to `onAuditError`.
   *
   * @throws TypeError naming an argument that is wrong. Nothing is recorded, and the log goes on.
   */
  async recordOutcome(event: ActionEvent, verdict: Verdict, outcome: Outcome): Promise<void> {
    checkOutcome(verdict, outcome);
    const judged = ActionEvent.isInstance(event) ? event : ActionEvent.create(event);
    const entry = outcomeEntry(judged, verdict, outcome);
    try {
      await this.#recorder.append(entry);
    } catch (error) {
      const problem = this.#problemOf(error);
      await this.#log.fail(problem, entry);
      this.#reportAudit(problem);
    }
  }

  /**
   * Waits for what is being recorded, folds the log into its database file and lets go of it. Further calls are refused,
   * and so are those that wait for an answer; closing again waits for the same.
   *
   * @throws AuditUnavailableError when the log could not be folded; every entry is safe in its tail.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#watching);
    await this.#reloading;
    try {
      await this.#log.close();
    } finally {
      await this.#checkpointer?.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #verdict(event: ActionEvent, decision: Decision, authorized: boolean, policy: Policy): Promise<Verdict> {
    const recorded = recordedEvent(event, this.#recording);
    const entry = await this.#recorder.append(decisionEntry(recorded, decision, authorized, policy.digest));
    const enforced = !authorized || decision.decision === "allow";
    return Object.freeze({ ...decision, authorized, enforced, eventId: event.id, entry });
  }

  /** How a call that needs approval asks for it, or uses it. */
  #asking(toApprove: CallToApprove): {
    readonly timeoutSeconds: number;
    readonly ask: (how: Asking) => Promise<Verdict | undefined>;
  } {
    const { event, decision, policy } = toApprove;
    // What takes long for large arguments is done before the log's lock is taken.
    const recorded = recordedEvent(event, this.#recording);
    const call = callOf(toApprove, recorded);
    if (this.#log.identity !== undefined) call.bind(this.#log.identity);
    const ask = async (how: Asking): Promise<Verdict | undefined> => {
      const { answer, heads } = await this.#recorder.propose((state) => {
        const settlement = settle(call, state.open, state, this.#approverKeys);
        if (isNothingNew(settlement, how)) return { entries: [], answer: undefined };
        const made = madeOf(decision, settlement);
        const entry = decisionEntry(recorded, made, made.decision === "allow", policy.digest);
        const records = settlement.records.map((record) => new PreparedEntry(record));
        // A request follows the decision that asks. What is used up comes before: of a write that is cut short by a crash
        // the beginning stays.
        const request = settlement.status === "requested" ? { ...settlement.request, ts: state.ts } : undefined;
        const place = request === undefined ? records.length : records.length - 1;
        return { entries: records.toSpliced(place, 0, entry), answer: { made, request, place } };
      });
      const head = answer === undefined ? undefined : heads[answer.place];
      if (answer === undefined || head === undefined) return undefined;
      const { made, request } = answer;
      const asked = heads[answer.place + 1];
      if (request !== undefined && asked !== undefined) {
        this.#approvals.announce({ hash: asked.hash, entry: { ...request, seq: asked.seq } });
      }
      const authorized = made.decision === "allow";
      return Object.freeze({ ...made, authorized, enforced: true, eventId: event.id, entry: head });
    };
    return { timeoutSeconds: call.timeoutSeconds, ask };
  }

  async #reload(): Promise<boolean> {
    const { policy: before } = this.#source;
    let read: Policy;
    try {
      read = this.#source.read();
      await read.ready();
    } catch (error) {
      if (PolicyLoadError.isInstance(error) && error.message !== this.#refusedPolicy) {
        await this.#recorder.append(refusedPolicyEntry(before.digest, error.message));
        this.#refusedPolicy = error.message;
      }
      throw error;
    }
    const isChanged = read.digest !== before.digest;
    if (isChanged) await this.#recorder.append(policyEntry(read.digest, before.digest));
    this.#source.adopt(read);
    this.#refusedPolicy = undefined;
    return isChanged;
  }

  #problemOf(error: unknown): CapFenceError {
    if (CapFenceError.isInstance(error)) return error;
    return new AuditUnavailableError(this.#log.path, String(error), { cause: error });
  }

  #reportAudit(problem: CapFenceError): void {
    tell(this.#onAuditError, problem);
  }
}

/**
 * Whether nothing is to be recorded: whoever waits was told before, and whoever only asks uses nothing. What one who waits
 * records makes all others ask again.
 */
function isNothingNew({ status, records }: Settlement, how: Asking): boolean {
  if (how === "ask again") return (status === "pending" || status === "too_many") && records.length === 0;
  return how === "only ask" && (status === "approved" || status === "granted" || status === "rejected");
}

/** The decision that people have made of one that asks for approval. */
function madeOf(decision: Decision, settlement: Settlement): Decision & { readonly approvalId?: string } {
  if (settlement.status === "too_many") {
    return { ...decision, reason: "approval_required", message: "Too many calls wait for approval already." };
  }
  const { id: approvalId } = settlement;
  if (settlement.status === "approved")
    return { ...decision, decision: "allow", reason: "approval_granted", approvalId };
  if (settlement.status === "granted") return { ...decision, decision: "allow", reason: "grant_used", approvalId };
  if (settlement.status !== "rejected") return { ...decision, reason: "approval_required", approvalId };
  const { note } = settlement;
  return { ...decision, reason: "approval_rejected", approvalId, ...(note !== undefined && { message: note }) };
}

/** What is done where the host has no handler. */
function warn(error: Error): void {
  process.emitWarning(error);
}

/** Tells the host, and waits for nothing: its handler may fail, or never end, and there is nobody left to tell. */
function tell(handler: (error: Error) => unknown, problem: Error): void {
  void new Promise((resolve) => resolve(handler(problem))).catch(() => {});
}
