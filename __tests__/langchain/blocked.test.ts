import { describe, expect, it } from "vitest";

import { AgentActionBlocked } from "../../src/errors.ts";
import { isActionBlocked } from "../../src/langchain/blocked.ts";

const blocked = new AgentActionBlocked({
  decision: "deny",
  reason: "policy_deny",
  authorized: false,
  enforced: true,
  eventId: "e",
  entry: { seq: 1, hash: "h" },
});

const cyclic = new Error("outer");
cyclic.cause = new AggregateError([cyclic, new Error("other")], "inner", { cause: cyclic });

let deep: Error = blocked;
for (let depth = 0; depth < 200; depth += 1) deep = new Error("wrapped", { cause: deep });

const foreign = Object.assign(new Error("Blocked: policy_deny"), {
  [Symbol.for("capfence.error")]: true,
  code: "ERR_ACTION_BLOCKED",
});

describe("isActionBlocked", () => {
  it.each([
    ["the error itself", blocked, true],
    ["a cause", new Error("x", { cause: blocked }), true],
    ["a cause of a cause of …", deep, true],
    ["one of several errors", new AggregateError([new Error("x"), blocked]), true],
    [
      "errors inside a cause",
      new Error("x", { cause: new AggregateError([new Error("y", { cause: blocked })]) }),
      true,
    ],
    ["an error of another copy of the package", foreign, true],
    ["any other error", new Error("Blocked: policy_deny"), false],
    ["a cycle without one", cyclic, false],
    ["a string", "Blocked: policy_deny", false],
    ["nothing", undefined, false],
    ["null", null, false],
  ])("%s", (_name, error, expected) => {
    expect(isActionBlocked(error)).toBe(expected);
  });

  it("ends on endless chains", () => {
    const endless = {
      get cause(): unknown {
        return Object.create(this);
      },
    };
    expect(isActionBlocked(endless)).toBe(false);
  });
});
