import { describe, expect, it } from "vitest";

import { Policy } from "../../../src/policy/policy.ts";
import { call } from "../calls.ts";
import { corpus, report, type Labelled } from "../corpus.ts";

const policies = new Map<string, Policy>();

const decide = (section: "allow" | "deny", root: string, path: string): string => {
  const key = `${section} ${root}`;
  const rule = { capability: "fs.read", path: section === "allow" ? { within: root } : { not_within: root } };
  const policy =
    policies.get(key) ??
    Policy.parse(JSON.stringify({ [section]: [rule], ...(section === "deny" && { allow: ["fs.read"] }) }));
  policies.set(key, policy);
  return policy.evaluate(call({ capability: "fs.read", payload: { path } })).decision;
};

const allowed = ({ root = "", input }: Labelled): boolean => decide("allow", root, input) === "allow";

describe("path on the labelled paths", () => {
  for (const platform of ["posix", "win32"] as const) {
    const items = corpus("path").filter((each) => each.platform === platform);
    const benign = items.filter((each) => each.class === "benign");

    it(`allows what is within the root and nothing else: ${platform}`, () => {
      report(
        `path, ${platform}: ${benign.filter(allowed).length} of ${benign.length} benign allowed, ` +
          `${items.filter((each) => each.class !== "benign" && allowed(each)).length} others`,
      );
      expect(items.filter((each) => allowed(each) !== (each.class === "benign"))).toEqual([]);
    });

    it(`denies by not_within whatever leaves the root or may: ${platform}`, () => {
      const denied = items.filter(({ root = "", input }) => decide("deny", root, input) === "deny");
      expect(denied).toEqual(items.filter((each) => each.class !== "benign"));
    });
  }
});
