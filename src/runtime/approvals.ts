/** runtime.approvals: the requests that wait for a person, their answers, and standing grants. */

import { MAX_GRANT_SECONDS, MAX_NAME, MAX_NOTE } from "../approval.ts";
import type { ApprovalAnswer, ApprovalRequest, OpenGrant, OpenItems, OpenRequest, Place } from "../approval.ts";
import { proposeAnswer } from "../approvals/answer.ts";
import { endOf } from "../approvals/ask.ts";
import { proposeGrant, proposeRevocation } from "../approvals/grant.ts";
import type { Proposed } from "../approvals/proposed.ts";
import type { ApproverKeys } from "../approvals/signature.ts";
import { isOver, standingOf, type Standing } from "../approvals/standing.ts";
import { PreparedEntry } from "../audit/format/entry.ts";
import type { AuditLog } from "../audit/log.ts";
import { readEntriesAt } from "../audit/entries-at.ts";
import type { LogState } from "../audit/appending/proposal.ts";
import { ApprovalError } from "../errors.ts";

import { patternProblem } from "../policy/matching/capability.ts";
import type { JsonObject } from "../snapshot.ts";
import {
  checkAnswerOptions,
  checkGrantOptions,
  checkRevocationOptions,
  type AnswerOptions,
  type GrantOptions,
} from "./answer-options.ts";
import type { Recorder } from "./recorder.ts";
import { checkedShown, type ShownPayload } from "./shown.ts";
import { systemUser } from "../system-user.ts";

/** A call that waits for a person. */
export interface PendingApproval {
  /** What {@link Approvals.approve} and {@link Approvals.reject} take. */
  readonly id: string;
  /** The hash of the request's entry: given to an answer, the answer is for exactly this request. */
  readonly request: string;
  readonly actor: string;
  readonly capability: string;
  readonly environment: string;
  readonly session?: string;
  /** The tool that would run it, where that is known. */
  readonly tool?: string;
  /** The payload as recorded; absent when it is not recorded, or lies in a part of the log that is elsewhere. */
  readonly payload?: JsonObject;
  /** What was left out of it, and how long it was before long texts were cut. */
  readonly redacted?: readonly string[];
  readonly cut?: number;
  /** True when what lies in the log as the payload is not what would run: somebody wrote it by hand. It is not shown then. */
  readonly isAltered?: true;
  /** The rule that asks; absent when a risk level or the host does. */
  readonly rule?: string;
  readonly riskLevel?: string;
  /** What the host says about tool, tenant and role. */
  readonly context?: JsonObject;
  /** The policy's digest. */
  readonly policy: string;
  /** RFC 3339, UTC. It can be answered and used up to and including `expires`. */
  readonly requested: string;
  readonly expires: string;
}

/** A standing grant that is in force. */
export interface StandingGrant {
  /** What {@link Approvals.revoke} takes. */
  readonly id: string;
  /** The actor it is for, or `*` for any. */
  readonly agent: string;
  /** As policies write it. */
  readonly capability: string;
  /** The environment it is for, or `*` for any. */
  readonly environment: string;
  /** The one session it is for; absent when for all. */
  readonly session?: string;
  /** Calls it still lets through; absent when they are not counted. */
  readonly left?: number;
  /** Its last moment: RFC 3339, UTC. */
  readonly expires: string;
  /** Who granted it. */
  readonly by: string;
}

/** A request as it was recorded, with the hash of its entry. */
interface RecordedRequest {
  readonly hash: string;
  readonly entry: ApprovalRequest & Place;
}

type Listener = (approval: PendingApproval) => unknown;

/** Answers requests and makes grants in one log. Every answer is durable when it resolves. */
export class Approvals {
  readonly #recorder: Recorder;
  readonly #keys: ApproverKeys;
  readonly #listeners = new Set<Listener>();

  /** With `keys`, only what one of them has signed counts. */
  constructor(recorder: Recorder, keys?: ApproverKeys) {
    this.#recorder = recorder;
    this.#keys = keys;
  }

  /**
   * The requests that wait for an answer, oldest first. What has expired since anybody looked is recorded.
   *
   * @throws AuditUnavailableError, AuditCorruptError when the log can't be opened, read or written.
   */
  async pending(): Promise<PendingApproval[]> {
    const { answer } = await this.#recorder.propose((state) => {
      const requests = [...state.open.requests.values()];
      const over = requests.filter(({ entry }) => isOver(entry.expires, state.ts));
      const waiting = requests.filter((request) => standingOf(request, state, this.#keys).status === "pending");
      return { entries: over.map((request) => new PreparedEntry(endOf(request, "expired"))), answer: waiting };
    });
    return await withPayloads(this.#recorder.log, answer);
  }

  /**
   * How the request `id` stands now; `undefined` when it is not open.
   *
   * @throws AuditUnavailableError, AuditCorruptError as {@link pending}.
   */
  async standing(id: string): Promise<Standing | undefined> {
    const { answer } = await this.#recorder.propose((state) => {
      const request = state.open.requests.get(id);
      return { entries: [], answer: request && standingOf(request, state, this.#keys) };
    });
    return answer;
  }

  /**
   * Lets the call that waits run, once, if it is made again before the request expires.
   *
   * @throws ApprovalError saying why not: see its `reason`. The attempt is recorded, if there is or was such a request.
   * @throws AuditUnavailableError, AuditCorruptError when it can't be recorded.
   * @throws TypeError naming an argument that is missing or wrong.
   */
  async approve(id: string, options: AnswerOptions): Promise<void> {
    await this.#answer("approved", id, options);
  }

  /**
   * Refuses the call that waits, or was approved and has not run. That stands until the request expires.
   *
   * @throws ApprovalError, AuditUnavailableError, AuditCorruptError, TypeError as {@link approve}.
   */
  async reject(id: string, options: AnswerOptions): Promise<void> {
    await this.#answer("rejected", id, options);
  }

  /**
   * Lets calls to come run without asking, as long as no rule denies them; answers the grant's id.
   *
   * @throws ApprovalError saying why not. Nothing is recorded then.
   * @throws AuditUnavailableError, AuditCorruptError, TypeError as {@link approve}.
   */
  async grant(options: GrantOptions): Promise<string> {
    checkGrantOptions(options);
    const { agent, capability, environment = "*", session, uses, expiresInSeconds, by, note, key } = options;
    const problem = patternProblem(text("capability", capability));
    if (problem !== undefined) throw new TypeError(`approvals: capability ${problem}`);
    if (uses !== undefined && !(Number.isSafeInteger(uses) && uses > 0)) {
      throw new TypeError("approvals: uses must be a whole number, 1 or more");
    }
    if (!(expiresInSeconds >= 0 && expiresInSeconds <= MAX_GRANT_SECONDS)) {
      throw new TypeError(`approvals: expiresInSeconds must be from 0 to ${MAX_GRANT_SECONDS}`);
    }
    const said = {
      actor: text("agent", agent),
      capability,
      environment: text("environment", environment),
      ...(session !== undefined && { session: text("session", session) }),
      ...(uses !== undefined && { uses }),
      ...saidBy({ by, note }),
      signer: key,
    };
    return await this.#propose((open, moment) => {
      const expires = new Date(Date.parse(moment.ts) + expiresInSeconds * 1000).toISOString();
      return proposeGrant({ ...said, expires }, open, moment, this.#keys);
    });
  }

  /**
   * Ends a grant. Needs no key.
   *
   * @throws ApprovalError, AuditUnavailableError, AuditCorruptError, TypeError as {@link grant}.
   */
  async revoke(id: string, options: Pick<AnswerOptions, "by">): Promise<void> {
    checkRevocationOptions(options);
    const said = { id: text("id", id), ...saidBy(options) };
    await this.#propose((open, moment) => proposeRevocation(said, open, moment));
  }

  /** The grants in force, oldest first. @throws AuditUnavailableError, AuditCorruptError as {@link pending}. */
  async grants(): Promise<StandingGrant[]> {
    const { answer } = await this.#recorder.propose((state) => ({
      entries: [],
      answer: inForce(state.open, state.ts),
    }));
    return answer.map(shownGrant);
  }

  /**
   * Calls `listener` with each request that this runtime makes, once it is durable; answers a function that ends that.
   * What the listener throws is ignored, and nothing waits for it.
   *
   * @throws TypeError when there is no such happening, or no listener.
   */
  on(happening: "requested", listener: (approval: PendingApproval) => unknown): () => void {
    if (happening !== "requested") throw new TypeError('approvals: there is only "requested" to listen for');
    if (typeof listener !== "function") throw new TypeError("approvals: listener must be a function");
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Tells the listeners of a request that has just become durable. Reads nothing: they hear of it whatever has become of the
   * log or the request meanwhile. Never throws: the request stands whatever they do.
   */
  announce(recorded: RecordedRequest): void {
    for (const listener of this.#listeners) {
      // A copy each: the call may be asked about again, and that is not for a listener to change.
      const request = structuredClone(recorded);
      const approval = shownRequest(request, request.entry);
      void new Promise((resolve) => resolve(listener(approval))).catch(() => {});
    }
  }

  async #answer(status: ApprovalAnswer["status"], id: string, options: AnswerOptions): Promise<void> {
    checkAnswerOptions(options);
    const { request: shown, key: signer } = options;
    const given = { id: text("id", id), status, ...saidBy(options), signer, shown };
    await this.#propose((open, moment) => proposeAnswer(given, open, moment, this.#keys));
  }

  /** Appends what a proposal comes to, and only then tells of a refusal. */
  async #propose(propose: (open: OpenItems, moment: LogState) => Proposed): Promise<string> {
    const { answer } = await this.#recorder.propose((state) => {
      const proposed = propose(state.open, state);
      return { entries: proposed.records.map((record) => new PreparedEntry(record)), answer: proposed };
    });
    const { problem, id = "" } = answer;
    if (problem !== undefined) throw new ApprovalError(problem, answer.id);
    return id;
  }
}

/** A request as people are shown it; what is recorded of its payload is `undefined` where that is not the request's. */
function shownRequest(
  { hash, entry }: Pick<OpenRequest, "hash" | "entry">,
  recorded: ShownPayload | undefined,
): PendingApproval {
  const { id, actor, capability, environment, session, tool, rule, riskLevel, context, policy, ts, expires } = entry;
  const { payload, redacted, cut } = recorded ?? {};
  return {
    id,
    request: hash,
    actor,
    capability,
    environment,
    ...(session !== undefined && { session }),
    ...(tool !== undefined && { tool }),
    ...(payload !== undefined && { payload }),
    ...(redacted !== undefined && { redacted }),
    ...(cut !== undefined && { cut }),
    ...(recorded === undefined && { isAltered: true }),
    ...(rule !== undefined && { rule: rule.id }),
    ...(riskLevel !== undefined && { riskLevel }),
    ...(context !== undefined && { context }),
    policy,
    requested: ts,
    expires,
  };
}

/** Requests as people are shown them; their payloads are read from the log. */
export async function withPayloads(
  log: Pick<AuditLog, "entries">,
  requests: readonly OpenRequest[],
): Promise<PendingApproval[]> {
  if (requests.length === 0) return [];
  const recorded = await readEntriesAt(log.entries("latest first"), new Set(requests.map(({ entry }) => entry.seq)));
  return requests.map((request) => {
    const stored = recorded.get(request.entry.seq);
    // It lies in a part of the log that is elsewhere.
    if (stored === undefined) return shownRequest(request, {});
    const isIt =
      stored.hash === request.hash && stored.entry.kind === "approval" && stored.entry.status === "requested";
    return shownRequest(request, isIt ? checkedShown(stored.entry, request.entry.shown) : undefined);
  });
}

/** The grants that still let something through. */
export function inForce({ grants }: OpenItems, ts: string): OpenGrant[] {
  return [...grants.values()].filter(
    ({ entry, left, revoked }) => revoked !== true && left !== 0 && !isOver(entry.expires, ts),
  );
}

/** A grant as people are shown it. */
export function shownGrant({ entry, left }: OpenGrant): StandingGrant {
  const { id, actor: agent, capability, environment, session, expires, by } = entry;
  return {
    id,
    agent,
    capability,
    environment,
    ...(session !== undefined && { session }),
    ...(left !== undefined && { left }),
    expires,
    by,
  };
}

function saidBy({ by, note }: { readonly by: string; readonly note?: string | undefined }): {
  readonly by: string;
  readonly user: string;
  readonly note?: string;
} {
  const name = text("by", by, MAX_NAME);
  const said = note === undefined || note === "" ? {} : { note: text("note", note, MAX_NOTE) };
  return { by: name, user: systemUser(), ...said };
}

function text(name: string, value: unknown, max = MAX_NOTE): string {
  if (typeof value !== "string" || value.trim() === "") {
    throw new TypeError(`approvals: ${name} must be a non-empty string`);
  }
  if (value.length > max) throw new TypeError(`approvals: ${name} is longer than ${max} characters`);
  if (!value.isWellFormed()) throw new TypeError(`approvals: ${name} is not well-formed Unicode`);
  return value;
}
