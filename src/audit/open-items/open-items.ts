/**
 * What of approvals is open: follows a log's entries and keeps the requests, answers and grants that still count, by what
 * the entries themselves say. It has no clock: an entry that was recorded after something's time ends it.
 */

import {
  MAX_ANSWERS,
  MAX_OPEN,
  type ApprovalAnswer,
  type ApprovalEnd,
  type ApprovalRequest,
  type CarriedItems,
  type EndedRequest,
  type Grant,
  type OpenGrant,
  type OpenItems,
  type OpenRequest,
  type Place,
} from "../../approval.ts";
import { canonical, type Entry } from "../format/entry.ts";
import { isAnswer, isGrant, isObject, isRequest } from "./open-item-shape.ts";

/** Requests kept after they have ended, so that a late answer hears why. */
const MAX_ENDED = 64;

/** Not carried on: what an entry has in common with all others, and what was only to be looked at. */
const LEFT_OUT: ReadonlySet<string> = new Set(["v", "log", "prev", "payload", "redacted", "cut"]);

/** An entry as it was read: whoever computes a hash can have written anything into its members. */
type Unchecked<T extends object> = { readonly [Name in keyof T]?: unknown };

/** What keeps up with the entries of a log, in order. */
export interface EntryFollower {
  /** The next entry. */
  apply(hash: string, entry: Entry): void;
  /** The next entry, when it says nothing of approvals, by its time. */
  passes(ts: string): void;
}

/** The open items of one log. Give it every entry, in order. */
export class OpenItemsRegister implements OpenItems, EntryFollower {
  readonly requests: Map<string, OpenRequest> = new Map();
  readonly grants: Map<string, OpenGrant> = new Map();
  readonly ended: Map<string, EndedRequest> = new Map();
  /** No open item's time is over before this. */
  #soonest = "";

  /** The register as a segment entry carries it; `undefined` when that is not what any register carries. */
  static resume(carried: unknown): OpenItemsRegister | undefined {
    const register = new OpenItemsRegister();
    const { requests, grants, ended } = (carried ?? {}) as Unchecked<CarriedItems>;
    for (const { hash, entry, answers } of listOf(requests)) {
      if (!isPlaced(hash, entry)) continue;
      register.#request(hash, entry as never);
      for (const { hash: answered, entry: answer } of listOf(answers)) {
        if (isPlaced(answered, answer)) register.#answer(answered, answer as never);
      }
    }
    for (const { hash, entry, left, revoked } of listOf(grants)) {
      const grant = isPlaced(hash, entry) ? register.#grant(hash, entry as never) : undefined;
      if (grant === undefined) continue;
      const { left: _, ...rest } = grant;
      const counted = Number.isSafeInteger(left) ? { left: Number(left) } : {};
      register.grants.set(grant.entry.id, { ...rest, ...counted, ...(revoked === true && { revoked }) });
    }
    for (const { id, seq, hash, status } of listOf(ended)) {
      if (typeof id !== "string" || (status !== "consumed" && status !== "expired")) continue;
      if (isPlaced(hash, { seq })) register.ended.set(id, { id, seq: Number(seq), hash, status });
    }
    return register.carries(carried) ? register : undefined;
  }

  /** Another one that stands where this one does, and goes its own way. */
  copy(): OpenItemsRegister {
    const copy = new OpenItemsRegister();
    for (const [id, request] of this.requests) copy.requests.set(id, request);
    for (const [id, grant] of this.grants) copy.grants.set(id, grant);
    for (const [id, ended] of this.ended) copy.ended.set(id, ended);
    copy.#soonest = this.#soonest;
    return copy;
  }

  /** What a segment entry carries on; `undefined` when nothing is open. */
  carried(): CarriedItems | undefined {
    if (this.requests.size + this.grants.size + this.ended.size === 0) return undefined;
    return {
      ...(this.requests.size > 0 && { requests: [...this.requests.values()] }),
      ...(this.grants.size > 0 && { grants: [...this.grants.values()] }),
      ...(this.ended.size > 0 && { ended: [...this.ended.values()] }),
    };
  }

  /** Whether this is what a segment entry says that it carries on, which may be of any type. */
  carries(carried: unknown): boolean {
    try {
      return canonical(this.carried() ?? null) === canonical(carried ?? null);
    } catch {
      // Nothing that could be written: nested too deeply, or with what no canonical JSON holds. Ours never is.
      return false;
    }
  }

  /** Ends what was over at the time `ts` of an entry. */
  passes(ts: string): void {
    if (this.#soonest === "" || ts <= this.#soonest) return;
    this.#soonest = "";
    for (const { hash, entry } of this.requests.values()) {
      if (ts > entry.expires) this.#end(entry.id, hash, entry.seq, "expired");
      else this.#expects(entry.expires);
    }
    for (const { entry } of this.grants.values()) {
      if (ts > entry.expires) this.grants.delete(entry.id);
      else this.#expects(entry.expires);
    }
  }

  /** The next entry; answers why an entry about approvals changes nothing, if it does not. */
  apply(hash: string, entry: Entry): string | undefined {
    this.passes(entry.ts);
    if (entry.kind === "approval") {
      if (entry.status === "requested") return this.#request(hash, entry);
      if (entry.status === "approved" || entry.status === "rejected") return this.#answer(hash, entry);
      if (entry.status === "consumed" || entry.status === "expired") return this.#close(entry);
    } else if (entry.kind === "grant") {
      if (entry.status !== "granted") return this.#change(entry);
      return this.#grant(hash, entry) === undefined ? "such a grant can't be" : undefined;
    }
    return undefined;
  }

  #request(hash: string, entry: ApprovalRequest & Place): string | undefined {
    if (!isRequest(entry)) return "such a request can't be";
    const { id, expires } = entry;
    if (this.requests.has(id) || this.grants.has(id)) return "its id is taken";
    if (this.requests.size >= MAX_OPEN) return "too many are open";
    this.ended.delete(id);
    this.requests.set(id, { hash, entry: withoutFrame(entry), answers: [] });
    this.#expects(expires);
    return undefined;
  }

  #answer(hash: string, entry: ApprovalAnswer & Place): string | undefined {
    const request = this.#requestOf(entry);
    if (typeof request === "string") return request;
    if (!isAnswer(entry)) return "such an answer can't be";
    const isFull = request.answers.length >= MAX_ANSWERS;
    // A rejection must not be kept out by what anybody could have added before it: approvals make room for it.
    const makesRoom = isFull && entry.status === "rejected";
    const former = makesRoom ? request.answers.filter((each) => each.entry.status !== "approved") : request.answers;
    if (former.length >= MAX_ANSWERS) return "it has too many answers";
    this.requests.set(request.entry.id, { ...request, answers: [...former, { hash, entry: withoutFrame(entry) }] });
    return undefined;
  }

  #close(entry: ApprovalEnd): string | undefined {
    const request = this.#requestOf(entry);
    if (typeof request === "string") return request;
    this.#end(request.entry.id, request.hash, request.entry.seq, entry.status);
    return undefined;
  }

  /** The open request that an entry names, by all three of id, place and hash; or why there is none. */
  #requestOf({ id, of, request: hash }: Unchecked<ApprovalEnd>): OpenRequest | string {
    if (typeof id !== "string") return "it names no request";
    const request = this.requests.get(id);
    if (request === undefined) return this.ended.get(id)?.status ?? "no such request is open";
    return request.entry.seq === of && request.hash === hash ? request : "it names another request";
  }

  #end(id: string, hash: string, seq: number, status: EndedRequest["status"]): void {
    this.requests.delete(id);
    this.ended.set(id, { id, seq, hash, status });
    for (const [first] of this.ended) {
      if (this.ended.size <= MAX_ENDED) break;
      this.ended.delete(first);
    }
  }

  #grant(hash: string, entry: Grant & Place): OpenGrant | undefined {
    if (!isGrant(entry)) return undefined;
    const { id, expires, uses } = entry;
    if (this.requests.has(id) || this.grants.has(id) || this.grants.size >= MAX_OPEN) return undefined;
    const grant = { hash, entry: withoutFrame(entry), ...(uses !== undefined && { left: uses }) };
    this.grants.set(id, grant);
    this.#expects(expires);
    return grant;
  }

  #change(entry: Unchecked<{ id: string; of: number; grant: string; status: string }>): string | undefined {
    const grant = typeof entry.id === "string" ? this.grants.get(entry.id) : undefined;
    if (grant === undefined) return "no such grant is open";
    if (grant.entry.seq !== entry.of || grant.hash !== entry.grant) return "it names another grant";
    if (entry.status === "revoked") this.grants.set(grant.entry.id, { ...grant, revoked: true });
    else if (entry.status !== "used") return "it changes nothing";
    else if (grant.left !== undefined && grant.left > 0) {
      this.grants.set(grant.entry.id, { ...grant, left: grant.left - 1 });
    }
    return undefined;
  }

  #expects(time: string): void {
    if (this.#soonest === "" || time < this.#soonest) this.#soonest = time;
  }
}

function withoutFrame<T extends object>(entry: T): T {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !LEFT_OUT.has(name))) as T;
}

/** Whether it has the hash and the number that every entry has. */
function isPlaced(hash: unknown, entry: unknown): hash is string {
  return typeof hash === "string" && isObject(entry) && Number.isSafeInteger(entry["seq"]);
}

/** The items of a list that are objects; whatever else is there makes the whole differ from what it should be. */
function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject);
}
