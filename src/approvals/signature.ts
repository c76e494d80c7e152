/** Signed answers and grants: what exactly a person's key signs, and whether it did. */

import type { ApprovalAnswer, Grant } from "../approval.ts";
import { openNote, signNote, type SignerKey, type VerifierKey } from "../note.ts";

/** Whose signatures count; `undefined` when whatever lies in the log counts. */
export type ApproverKeys = readonly VerifierKey[] | undefined;

/** An answer or a grant, before it is signed or as it was recorded. */
type Signable = Omit<ApprovalAnswer, "signature"> | Omit<Grant, "signature">;

/**
 * The text that is signed: its kind, and in one line of JSON everything that the answer or grant says, with the log's
 * identity. An answer's names the request's entry by its hash, which commits to the request, its time and its place.
 */
function signedText(signable: Signable, log: string): string {
  const { by, user, note = null } = signable;
  if (signable.kind === "approval") {
    const { id, of, request, status } = signable;
    return `capfence/approval/v1\n${JSON.stringify([log, id, of, request, status, by, user, note])}\n`;
  }
  const { id, actor, capability, environment, session = null, uses = null, expires } = signable;
  const bound = [log, id, actor, capability, environment, session, uses, expires, by, user, note];
  return `capfence/grant/v1\n${JSON.stringify(bound)}\n`;
}

/** The signature line over an answer or a grant in the log `log`. */
export function sign(signable: Signable, log: string, signer: SignerKey): string {
  const text = signedText(signable, log);
  return signNote(text, signer).slice(text.length + 1, -1);
}

/** Whether an answer or a grant counts: one of the keys has signed it, or no key is asked for. */
export function counts(signed: ApprovalAnswer | Grant, log: string, keys: ApproverKeys): boolean {
  return keys === undefined || signersOf(signed, log, keys).length > 0;
}

/** The names of those of the keys that have signed it. Whatever is no such signature is none. */
function signersOf(signed: ApprovalAnswer | Grant, log: string, keys: readonly VerifierKey[]): readonly string[] {
  const { signature }: { signature?: unknown } = signed;
  if (typeof signature !== "string") return [];
  try {
    return openNote(`${signedText(signed, log)}\n${signature}\n`, keys).signedBy;
  } catch (error) {
    if (error instanceof TypeError) return [];
    throw error;
  }
}

/** Whether the verifying half of `signer` is one of the keys that count. */
export function isApprover(signer: SignerKey | undefined, keys: ApproverKeys): boolean {
  if (keys === undefined) return true;
  return signer !== undefined && keys.some(({ name, id }) => name === signer.name && id === signer.id);
}
