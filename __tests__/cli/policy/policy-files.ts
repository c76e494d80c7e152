/** Policies, a suite and events for tests of the commands about policies. */

import { writeFileSync } from "node:fs";

import type { Workplace } from "../captured-host.ts";

/** What the tests' files are called, and what is in them. */
export const FILES: Readonly<Record<string, string>> = {
  "pay.yaml": `
deny:
  - capability: payments.send
    payload: { country: XX }
    id: no-xx
require_approval:
  - capability: payments.send
    amount_gt: 100
allow:
  - capability: payments.send
    amount_lte: 1000
`,
  "pay.test.yaml": `
cases:
  - name: asks for large amounts
    event: { capability: payments.send, payload: { amount: 500 } }
    expect: { decision: require_approval, rule: "require_approval[0]" }
  - name: allows small amounts
    event: { capability: payments.send, payload: { amount: 5, country: YY } }
    expect: { decision: allow }
  - name: denies a country
    event: { capability: payments.send, payload: { amount: 5000, country: XX } }
    expect: { decision: deny, rule: no-xx }
`,
  "looser.yaml": `
allow:
  - capability: payments.send
    amount_lte: 1000
  - "*"
`,
  "stricter.yaml": "require_approval: [payments]\n",
  "broken.yaml": "deny:\n  - capability: payments.send\n    contians: x\nallow: 5\n",
  "calls.jsonl": `
{"capability":"payments.send","payload":{"amount":5,"country":"XX"}}
{"resource":"payments","action":"send","actor":"ann","payload":{"amount":500}}

{"capability":"payments.send","payload":{"amount":5}}
{"capability":"payments.refund","environment":"staging"}
`,
};

/** Writes {@link FILES} into a workplace. */
export function writeFiles(place: Workplace): void {
  for (const [name, text] of Object.entries(FILES)) writeFileSync(place.path(name), text);
}

/** The output without the name of the directory, which is another each time. */
export function inPlace(place: Workplace, text: string): readonly string[] {
  return text.replaceAll(`${place.directory}/`, "").split("\n").slice(0, -1);
}
