import { describe, expect, it } from "vitest";

import { Policy } from "../../../src/policy/policy.ts";
import { call } from "../calls.ts";
import { corpus, report, type Labelled } from "../corpus.ts";

const denying = Policy.parse(
  JSON.stringify({
    deny: [{ capability: "shell.execute", command: { program: "rm", flags: ["recursive"] } }],
    allow: ["shell.execute"],
  }),
);
const shipped = Policy.load("policies/shell.yaml");

const decision = (policy: Policy, { input }: Labelled): string =>
  policy.evaluate(call({ payload: { command: input } })).decision;
const share = (part: readonly unknown[], whole: readonly unknown[]): string =>
  `${part.length} of ${whole.length} (${((100 * part.length) / whole.length).toFixed(1)} %)`;

describe("command on the labelled command lines", () => {
  const items = corpus("shell");
  const benign = items.filter((each) => each.class === "benign");

  it("denies recursive deletes, however they are spelled, and nothing benign", () => {
    const family = items.filter((each) => each.family === "recursive-delete");
    const denied = family.filter((each) => decision(denying, each) === "deny");
    const wrong = benign.filter((each) => decision(denying, each) === "deny");
    report(
      `shell: deny rm recursive fires on ${share(denied, family)} recursive deletes, ${share(wrong, benign)} benign`,
    );
    expect(denied.length / family.length).toBeGreaterThanOrEqual(0.97);
    expect(wrong).toEqual([]);
  });

  it("lets the shipped policy allow what only reads, and nothing dangerous or opaque", () => {
    const reading = benign.filter(({ intent }) => intent === "read only");
    const others = items.filter((each) => each.class !== "benign");
    const allowed = reading.filter((each) => decision(shipped, each) === "allow");
    const wrong = others.filter((each) => decision(shipped, each) === "allow");
    report(
      `shell: policies/shell.yaml allows ${share(allowed, reading)} reading, ${share(wrong, others)} dangerous or opaque`,
    );
    expect(allowed.length / reading.length).toBeGreaterThanOrEqual(0.75);
    expect(wrong).toEqual([]);
  });
});
