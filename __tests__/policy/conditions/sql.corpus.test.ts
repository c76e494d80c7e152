import { beforeAll, describe, expect, it } from "vitest";

import { Policy } from "../../../src/policy/policy.ts";
import { call } from "../calls.ts";
import { corpus, report, type Labelled } from "../corpus.ts";

const policy = Policy.load("policies/database.yaml");

beforeAll(async () => policy.ready());

const decide = ({ input }: Labelled, environment = "production"): string =>
  policy.evaluate(call({ capability: "database.query", environment, payload: { query: input } })).decision;

describe("policies/database.yaml on the labelled SQL", () => {
  const items = corpus("sql");
  const reads = items.filter(
    (each) => each.class === "benign" && each.intent === "read only" && each.dialect === "postgres",
  );
  const others = items.filter((each) => each.class !== "benign");
  const unbounded = items.filter(({ intent }) => intent === "table destruction" || intent === "unbounded change");

  it("allows most reads, and nothing that is dangerous or opaque", () => {
    const allowed = reads.filter((each) => decide(each) === "allow");
    report(
      `database.yaml: ${allowed.length} of ${reads.length} benign reads allowed, ` +
        `${others.filter((each) => decide(each) === "allow").length} of ${others.length} others`,
    );
    expect(reads.filter((each) => decide(each) !== "allow")).toEqual([]);
    expect(others.filter((each) => decide(each) === "allow")).toEqual([]);
  });

  it("denies or holds every table destruction and unbounded change, wherever", () => {
    for (const environment of ["production", "test"])
      expect(unbounded.filter((each) => decide(each, environment) === "allow")).toEqual([]);
    expect(unbounded.filter((each) => decide(each, "test") !== "deny")).toEqual([]);
  });

  it("holds bounded writes for a person outside production", () => {
    const writes = items.filter(({ intent }) => intent === "bounded write");
    expect(writes.filter((each) => decide(each, "test") !== "require_approval")).toEqual([]);
    expect(writes.filter((each) => decide(each) !== "deny")).toEqual([]);
  });
});
