/** Standing grants: what one covers, and how one is made and ended. */

import {
  MAX_OPEN,
  type CallBinding,
  type Grant,
  type GrantChange,
  type OpenGrant,
  type OpenItems,
} from "../approval.ts";
import type { SignerKey } from "../note.ts";
import { speakableId } from "./id.ts";
import { isOneOf } from "./person.ts";
import { refusal, type Proposed } from "./proposed.ts";
import { counts, isApprover, sign, type ApproverKeys } from "./signature.ts";
import { isOver, type Moment } from "./standing.ts";

/** Whether a capability as policies write them covers all of the call. */
export type Covers = (capability: string) => boolean;

/** The grant that lets a call through; the oldest, where there are several. */
export function findGrant(
  { binding, call }: { binding: CallBinding; call: { readonly session?: string; readonly covers: Covers } },
  { grants }: OpenItems,
  { log, ts }: Moment,
  keys: ApproverKeys,
): OpenGrant | undefined {
  return [...grants.values()].find(({ entry, left, revoked }) => {
    const { actor, capability, environment, session } = entry;
    if (revoked === true || left === 0 || isOver(entry.expires, ts)) return false;
    if (actor !== "*" && actor !== binding.actor) return false;
    if (environment !== "*" && environment !== binding.environment) return false;
    if (session !== undefined && session !== call.session) return false;
    return call.covers(capability) && counts({ grant: entry }, log, keys);
  });
}

/** A grant to be made. */
export type GrantOffer = Omit<Grant, "kind" | "status" | "id" | "signature"> & {
  readonly signer?: SignerKey | undefined;
};

/** Makes a grant. Nobody makes one for themselves. */
export function proposeGrant(
  offer: GrantOffer,
  open: OpenItems,
  moment: Moment & { readonly head: { readonly seq: number } },
  keys: ApproverKeys,
): Proposed {
  const { signer, ...said } = offer;
  if (isOneOf(offer.actor, offer.by, signer?.name)) return refusal("own_request");
  if (!isApprover(signer, keys)) return refusal("unsigned");
  if (isOver(offer.expires, moment.ts)) return refusal("expired");
  if (open.grants.size >= MAX_OPEN) return refusal("too_many");
  const id = speakableId((taken) => open.requests.has(taken) || open.grants.has(taken) || open.ended.has(taken));
  const grant: Grant = { kind: "grant", status: "granted", id, ...said };
  const signature = signer && sign({ grant: { ...grant, seq: moment.head.seq + 1 } }, moment.log, signer);
  return { id, records: [{ ...grant, ...(signature !== undefined && { signature }) }] };
}

/** Ends a grant before its time. Needs no signature: it only takes away. */
export function proposeRevocation(
  { id, by, user }: { readonly id: string; readonly by: string; readonly user: string },
  { grants }: OpenItems,
  { ts }: Moment,
): Proposed {
  const grant = grants.get(id);
  if (grant === undefined) return refusal("unknown", id);
  if (grant.revoked === true) return refusal("revoked", id);
  if (isOver(grant.entry.expires, ts)) return refusal("expired", id);
  const { seq: of } = grant.entry;
  const revoked: GrantChange = { kind: "grant", status: "revoked", id, of, grant: grant.hash, by, user };
  return { id, records: [revoked] };
}
