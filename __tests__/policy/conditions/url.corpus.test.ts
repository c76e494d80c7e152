import { describe, expect, it } from "vitest";

import { Policy } from "../../../src/policy/policy.ts";
import { call } from "../calls.ts";
import { corpus, report, type Labelled } from "../corpus.ts";

const url = { hosts: ["api.example.com", "*.docs.example.com"], schemes: ["https"] };
const allowing = Policy.parse(JSON.stringify({ allow: [{ capability: "http.get", url }] }));
const denying = Policy.parse(
  JSON.stringify({ deny: [{ capability: "http.get", url: { private: "deny" } }], allow: ["http.get"] }),
);

const decision = (policy: Policy, { input }: Labelled): string =>
  policy.evaluate(call({ capability: "http.get", payload: { url: input } })).decision;

describe("url on the labelled URLs", () => {
  const items = corpus("url");
  const benign = items.filter((each) => each.class === "benign");
  const allowed = items.filter((each) => decision(allowing, each) === "allow");

  it("allows the hosts that are meant and nothing else", () => {
    report(
      `url: ${allowed.filter((each) => benign.includes(each)).length} of ${benign.length} benign allowed, ` +
        `${allowed.filter((each) => !benign.includes(each)).length} others`,
    );
    expect(allowed).toEqual(benign);
  });

  it("denies private addresses, however they are written", () => {
    const special = items.filter(({ intent }) => intent === "private or special address");
    expect(special.filter((each) => decision(denying, each) !== "deny")).toEqual([]);
    expect(benign.filter((each) => decision(denying, each) !== "allow")).toEqual([]);
  });
});
