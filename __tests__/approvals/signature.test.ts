import { describe, expect, it } from "vitest";

import type { ApprovalAnswer, Grant, OpenRequest } from "../../src/approval.ts";
import { counts, sign, type Signable } from "../../src/approvals/signature.ts";
import { generateKeys, parseSignerKey, verifierOf } from "../../src/note.ts";

const alice = parseSignerKey(generateKeys("alice").signer);
const bob = parseSignerKey(generateKeys("bob").signer);
const LOG = "0".repeat(32);

const request: OpenRequest["entry"] = {
  kind: "approval",
  status: "requested",
  id: "kobu-tasi",
  event: "e",
  actor: "agent",
  action: "send",
  resource: "pay",
  capability: "pay.send",
  environment: "production",
  scope: "eu",
  session: "s",
  tool: "wire",
  context: { tenant: "one" },
  policy: "p",
  rule: { id: "large", section: "require_approval", index: 0 },
  riskLevel: "high",
  digest: "d",
  shown: "s",
  expires: "2026-01-15T10:23:01.000Z",
  seq: 7,
  ts: "2026-01-15T09:23:01.000Z",
};
const said = { by: "alice", user: "root", note: "Invoice 17" };
const answer: ApprovalAnswer = {
  kind: "approval",
  status: "approved",
  id: "kobu-tasi",
  of: 7,
  request: "h",
  ...said,
};
const grant: Grant & { readonly seq: number } = {
  kind: "grant",
  status: "granted",
  id: "kobu-tasi",
  seq: 7,
  actor: "agent",
  capability: "pay.send",
  environment: "production",
  session: "s",
  uses: 2,
  expires: "2026-01-15T10:23:01.000Z",
  ...said,
};

/** The same with one member changed: another text, another number, something else, or gone. */
function changes<T extends object>(of: T): readonly (readonly [string, T])[] {
  return Object.entries(of).flatMap(([name, value]): (readonly [string, T])[] => {
    const others = [typeof value === "number" ? value + 1 : `${JSON.stringify(value)} `, { other: value }, undefined];
    return others.map((other) => [`${name}: ${JSON.stringify(other)}`, { ...of, [name]: other }]);
  });
}

function isSigned(signable: Signable, log = LOG, keys = [verifierOf(bob), verifierOf(alice)]): boolean {
  return counts(signable, log, keys);
}

const fixed = (name: string): boolean => !/^(?:kind|status):/.test(name);

describe("a signed answer", () => {
  const signed = { ...answer, signature: sign({ answer, request }, LOG, alice) };

  it("counts for this log, this request and this key", () => {
    expect(isSigned({ answer: signed, request })).toBe(true);
    expect(isSigned({ answer: signed, request }, "1".repeat(32))).toBe(false);
    expect(isSigned({ answer: signed, request }, LOG, [verifierOf(bob)])).toBe(false);
    expect(isSigned({ answer: { ...signed, status: "rejected" }, request })).toBe(false);
  });

  it.each(changes(answer).filter(([name]) => fixed(name)))("is none with another %s", (_, other) => {
    expect(isSigned({ answer: { ...other, signature: signed.signature }, request })).toBe(false);
  });

  it.each(changes(request))("is none to a request with another %s", (_, other) => {
    expect(isSigned({ answer: signed, request: other })).toBe(false);
  });
});

describe("a signed grant", () => {
  const signed = { ...grant, signature: sign({ grant }, LOG, alice) };

  it("counts for this log and this key", () => {
    expect(isSigned({ grant: signed })).toBe(true);
    expect(isSigned({ grant: signed }, "1".repeat(32))).toBe(false);
    expect(isSigned({ grant: signed }, LOG, [verifierOf(bob)])).toBe(false);
  });

  it.each(changes(grant).filter(([name]) => fixed(name)))("is none with another %s", (_, other) => {
    expect(isSigned({ grant: { ...other, signature: signed.signature } })).toBe(false);
  });
});

it.each([undefined, null, 5, "", "— alice AAAA", {}, "\n\n"])("%j is no signature", (signature) => {
  expect(isSigned({ answer: { ...answer, signature } as ApprovalAnswer, request })).toBe(false);
  expect(isSigned({ grant: { ...grant, signature } as typeof grant })).toBe(false);
});
