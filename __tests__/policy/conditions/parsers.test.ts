import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";

import { describe, expect, it } from "vitest";

import { compiled } from "../../compiled.ts";

const POLICY = pathToFileURL(await compiled("src/policy/policy.ts")).href;
const EVENT = pathToFileURL(await compiled("src/event.ts")).href;

/** Whether the parsers are loaded by a process that loads this policy, waits for it, and asks about a call. */
function loadedBy(policy: object): { readonly shell: boolean; readonly postgres: boolean } {
  const source = `
    import { createRequire } from "node:module";
    import { Policy } from ${JSON.stringify(POLICY)};
    import { ActionEvent } from ${JSON.stringify(EVENT)};
    const policy = Policy.parse(${JSON.stringify(JSON.stringify(policy))});
    await policy.ready();
    const payload = { command: "ls", query: "select 1", path: "x", url: "https://x.net", amount: 5 };
    policy.explain(ActionEvent.create({ actor: "a", action: "execute", resource: "shell", environment: "test", payload }));
    const files = Object.keys(createRequire(import.meta.url).cache);
    const has = (name) => files.some((file) => file.includes("node_modules/" + name + "/"));
    console.log(JSON.stringify({ shell: has("unbash"), postgres: has("libpg-query") }));`;
  const run = ["--input-type=module", "-e", source];
  return JSON.parse(execFileSync(process.execPath, run, { encoding: "utf8" })) as ReturnType<typeof loadedBy>;
}

describe("the parsers of shell scripts and SQL", () => {
  it.each<[string, object, { shell: boolean; postgres: boolean }]>([
    [
      "neither for other conditions",
      {
        deny: [
          { capability: "shell", contains: "rm -rf", match_regex: "x", match_keywords: "y" },
          { capability: "shell", path: { within: "/etc" }, url: { private: "deny" }, amount: { gt: 5 } },
        ],
      },
      { shell: false, postgres: false },
    ],
    [
      "one for command",
      { deny: [{ capability: "shell", command: { program: "rm" } }] },
      { shell: true, postgres: false },
    ],
    ["one for sql", { deny: [{ capability: "shell", sql: { kinds: "drop" } }] }, { shell: false, postgres: true }],
  ])("are loaded where they are needed: %s", (_, policy, expected) => {
    expect(loadedBy(policy)).toEqual(expected);
  });
});
