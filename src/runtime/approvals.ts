/** Answers requests and makes grants in a log. */

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
import {
  checkAnswerOptions,
  checkGrantOptions,
  checkRevocationOptions,
  type AnswerOptions,
  type GrantOptions,
} from "./answer-options.ts";
import type { Approvals, PendingApproval, StandingGrant } from "./approvals-interface.ts";
import type { Recorder } from "./recorder.ts";
import { checkedShown, type ShownPayload } from "./shown.ts";
import { systemUser } from "../system-user.ts";

/** A request as it was recorded, with the hash of its entry. */
interface RecordedRequest {
  readonly hash: string;
  readonly entry: ApprovalRequest & Place;
}

type Listener = (approval: PendingApproval) => unknown;

/** {@link Approvals} of one log, whoever writes it. */
export class ApprovalsOfLog implements Approvals {
  readonly #recorder: Recorder;
  readonly #keys: ApproverKeys;
  readonly #listeners = new Set<Listener>();

  /** With `keys`, only what one of them has signed counts. */
  constructor(recorder: Recorder, keys?: ApproverKeys) {
    this.#recorder = recorder;
    this.#keys = keys;
  }

  async pending(): Promise<PendingApproval[]> {
    const { answer } = await this.#recorder.propose((state) => {
      const requests = [...state.open.requests.values()];
      const over = requests.filter(({ entry }) => isOver(entry.expires, state.ts));
      const waiting = requests.filter((request) => standingOf(request, state, this.#keys).status === "pending");
      return { entries: over.map((request) => new PreparedEntry(endOf(request, "expired"))), answer: waiting };
    });
    return await withPayloads(this.#recorder.log, answer);
  }

  async standing(id: string): Promise<Standing | undefined> {
    const { answer } = await this.#recorder.propose((state) => {
      const request = state.open.requests.get(id);
      return { entries: [], answer: request && standingOf(request, state, this.#keys) };
    });
    return answer;
  }

  async approve(id: string, options: AnswerOptions): Promise<void> {
    await this.#answer("approved", id, options);
  }

  async reject(id: string, options: AnswerOptions): Promise<void> {
    await this.#answer("rejected", id, options);
  }

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

  async revoke(id: string, options: Pick<AnswerOptions, "by">): Promise<void> {
    checkRevocationOptions(options);
    const said = { id: text("id", id), ...saidBy(options) };
    await this.#propose((open, moment) => proposeRevocation(said, open, moment));
  }

  async grants(): Promise<StandingGrant[]> {
    const { answer } = await this.#recorder.propose((state) => ({
      entries: [],
      answer: inForce(state.open, state.ts),
    }));
    return answer.map(shownGrant);
  }

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
