/** Signed answers and grants: what exactly a person's key signs, and whether it did. */

import canonicalize from "canonicalize";

import type { ApprovalAnswer, Grant, OpenRequest, Place } from "../approval.ts";
import { openNote, signNote, type SignerKey, type VerifierKey } from "../note.ts";

/** Whose signatures count; `undefined` when whatever lies in the log counts. */
export type ApproverKeys = readonly VerifierKey[] | undefined;

/** An answer with the request that it is to, or a grant with its place in the log: recorded, or about to be. */
export type Signable =
  | { readonly answer: ApprovalAnswer; readonly request: OpenRequest["entry"] }
  | { readonly grant: Grant & Pick<Place, "seq"> };

/**
 * The text that is signed: its kind, and in one line of JSON everything that the answer or grant says, with the log's
 * identity. An answer's holds all of the request that anything goes by, since a log can be made to carry it on as another
 * one. A grant's holds its place: recorded again, it would be as good as new.
 */
function signedText(signable: Signable, log: string): string {
  if ("answer" in signable) {
    const { id, of, request, status, by, user, note = null } = signable.answer;
    const asked = canonicalize(signable.request);
    return `capfence/approval/v1\n${JSON.stringify([log, id, of, request, asked, status, by, user, note])}\n`;
  }
  const { seq, id, actor, capability, environment, session = null, uses = null, expires } = signable.grant;
  const { by, user, note = null } = signable.grant;
  const said = [log, seq, id, actor, capability, environment, session, uses, expires, by, user, note];
  return `capfence/grant/v1\n${JSON.stringify(said)}\n`;
}

/** The signature line over an answer or a grant in the log `log`. */
export function sign(signable: Signable, log: string, signer: SignerKey): string {
  const text = signedText(signable, log);
  return signNote(text, signer).slice(text.length + 1, -1);
}

/** Whether an answer or a grant counts: one of the keys has signed it, or no key is asked for. */
export function counts(signed: Signable, log: string, keys: ApproverKeys): boolean {
  return keys === undefined || isSigned(signed, log, keys);
}

/** Whether one of the keys has signed it. Whatever is no such signature, or can't be signed, is not. */
function isSigned(signed: Signable, log: string, keys: readonly VerifierKey[]): boolean {
  const { signature }: { signature?: unknown } = "answer" in signed ? signed.answer : signed.grant;
  if (typeof signature !== "string") return false;
  try {
    return openNote(`${signedText(signed, log)}\n${signature}\n`, keys).signedBy.length > 0;
  } catch {
    return false;
  }
}

/** Whether the verifying half of `signer` is one of the keys that count. */
export function isApprover(signer: SignerKey | undefined, keys: ApproverKeys): boolean {
  if (keys === undefined) return true;
  return signer !== undefined && keys.some(({ name, id }) => name === signer.name && id === signer.id);
}
