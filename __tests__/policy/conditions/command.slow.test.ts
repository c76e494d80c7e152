import { describe, expect, it } from "vitest";

import { Policy } from "../../../src/policy/policy.ts";
import { call } from "../calls.ts";
import { report } from "../corpus.ts";
import { choicesFrom, obfuscation } from "./obfuscations.ts";

const COUNT = 100_000;

const policy = (rules: object): Policy => Policy.parse(JSON.stringify(rules));
const shipped = Policy.load("policies/shell.yaml");
const readers = policy({
  allow: [{ capability: "shell.execute", command: { program: ["ls", "cat", "grep", "git"] } }],
});
const denying = policy({
  deny: [{ capability: "shell.execute", command: { program: "rm", flags: ["recursive"] } }],
  allow: ["shell.execute"],
});

describe("command on disguised deletes", () => {
  it(`allows none of ${COUNT}, and denies nearly all`, () => {
    const choices = choicesFrom(7);
    const allowed: string[] = [];
    const missed: string[] = [];
    for (let index = 0; index < COUNT; index += 1) {
      const command = obfuscation(choices);
      const event = call({ payload: { command } });
      for (const each of [shipped, readers]) if (each.evaluate(event).decision === "allow") allowed.push(command);
      if (denying.evaluate(event).decision !== "deny") missed.push(command);
    }
    report(`shell: of ${COUNT} disguised deletes ${allowed.length} allowed, ${missed.length} not denied`);
    expect(allowed).toEqual([]);
    expect(missed.length / COUNT, missed.slice(0, 10).join("\n---\n")).toBeLessThanOrEqual(0.01);
  });
});
