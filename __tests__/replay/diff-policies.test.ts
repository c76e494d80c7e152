import { describe, expect, it } from "vitest";

import { ActionEvent, type ActionEventFields } from "../../src/event.ts";
import { Policy } from "../../src/policy/policy.ts";
import { diffPolicies } from "../../src/replay/diff-policies.ts";

const OLD = Policy.parse(
  "deny: [{ capability: files.delete, id: keep }]\nrequire_approval: [files.write]\nallow: [files]\n",
);
const NEW = Policy.parse(
  "deny: [files.read]\nrequire_approval: [files.list]\nallow: [files, { capability: files.write }]\n",
);

const event = (action: string): ActionEventFields => ({ actor: "ann", resource: "files", action, environment: "test" });

describe("what two policies decide differently", () => {
  it("is grouped, newly allowed first, with counts and the rules responsible", async () => {
    const events = ["read", "list", "write", "write", "delete", "move"].map(event);
    const difference = await diffPolicies(OLD, NEW, events);
    expect(difference).toMatchObject({
      calls: 6,
      unchanged: 1,
      otherRule: 0,
      changed: 5,
      newlyAllowed: 3,
      newlyDenied: 1,
      undecidable: 0,
      refused: 0,
      undecided: [],
    });
    const groups = difference.transitions.map(({ from, to, count, examples, rules }) => ({
      is: `${from} → ${to}`,
      count,
      names: examples.map(({ name }) => name),
      rules: rules.map((each) => `${each.old.rule?.id ?? ""} → ${each.new.rule?.id ?? ""}`),
    }));
    expect(groups).toEqual([
      { is: "deny → allow", count: 1, names: ["event 5"], rules: ["keep → allow[0]"] },
      {
        is: "require_approval → allow",
        count: 2,
        names: ["event 3", "event 4"],
        rules: ["require_approval[0] → allow[0]"],
      },
      { is: "allow → require_approval", count: 1, names: ["event 2"], rules: ["allow[0] → require_approval[0]"] },
      { is: "allow → deny", count: 1, names: ["event 1"], rules: ["allow[0] → deny[0]"] },
    ]);
  });

  it("is nothing between a policy and itself", async () => {
    const events = ["read", "write", "delete"].map(event);
    expect(await diffPolicies(OLD, OLD, events)).toMatchObject({ unchanged: 3, changed: 0, transitions: [] });
  });

  it("is found while the events come, and keeps no more than some of them", async () => {
    let given = 0;
    async function* events() {
      for (; given < 5_000; given += 1) yield await Promise.resolve(ActionEvent.create(event("delete")));
    }
    const { transitions } = await diffPolicies(OLD, NEW, events());
    expect(transitions).toMatchObject([{ from: "deny", to: "allow", count: 5_000 }]);
    expect(transitions[0]?.examples).toHaveLength(20);
  });

  it("has a payload that can't be judged denied by both", async () => {
    const bad = { ...event("read"), payload: { amount: Number.NaN } };
    expect(await diffPolicies(OLD, NEW, [bad])).toMatchObject({ calls: 1, unchanged: 1 });
  });

  it("is not asked about what is no event", async () => {
    await expect(diffPolicies(OLD, NEW, [{ actor: "ann" } as ActionEventFields])).rejects.toThrow(TypeError);
  });
});
