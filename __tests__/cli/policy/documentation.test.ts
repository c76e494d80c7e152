import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, expect, it } from "vitest";

import { CONDITIONS } from "../../../src/policy/conditions/index.ts";
import { Policy } from "../../../src/policy/policy.ts";
import { POLICY_SCHEMA } from "../../../src/policy/document/schema.ts";
import { Workplace } from "../captured-host.ts";
import { inPlace } from "./policy-files.ts";

const PAGE = readFileSync(new URL("../../../docs/policy.md", import.meta.url), "utf8");
const blocks = (kind: string): readonly string[] =>
  [...PAGE.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, name, text = ""]) => (name === kind ? [text] : []));

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());
beforeAll(() => {
  mkdirSync(place.path("policies"));
  copyFileSync(new URL("../../../policies/demo.yaml", import.meta.url), place.path("policies/demo.yaml"));
  const shipped = new URL("../../../policies", import.meta.url);
  cpSync(shipped, place.path("node_modules/capfence/policies"), { recursive: true });
  const [policy = ""] = blocks("yaml");
  writeFileSync(place.path("payments.yaml"), policy);
  writeFileSync(place.path("payments.test.yaml"), blocks("yaml").find((text) => text.startsWith("cases:")) ?? "");
});

it("has policies that load", () => {
  const policies = blocks("yaml").filter((text) => /^(?:allow|deny):$/m.test(text));
  expect(policies.length).toBeGreaterThanOrEqual(4);
  const source = place.path("policies/mine.yaml");
  for (const text of policies) expect(() => Policy.parse(text, { source })).not.toThrow();
  const fields = blocks("yaml").find((text) => text.startsWith("payload:")) ?? "";
  expect(() => Policy.parse(`allow:\n  - capability: a\n${fields.replace(/^/gm, "    ")}`)).not.toThrow();
});

it("names every key of a policy, and every condition", () => {
  const properties = POLICY_SCHEMA["properties"] as Readonly<Record<string, unknown>>;
  const keys = [...Object.keys(properties), ...Object.keys(CONDITIONS)];
  expect(keys.filter((key) => !PAGE.includes(key) && !PAGE.includes(key.replace("caller_depth", "")))).toEqual([]);
});

const shown = blocks("console").map((text) => text.split("\n").slice(0, -1));

it.each(shown.filter(([command]) => command?.includes("audit-log") === false))(
  "shows what %s prints",
  async (...lines) => {
    const [command = "", ...output] = lines;
    const [, , ...argv] = [...command.slice(2).matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, plain]) => quoted ?? plain ?? "",
    );
    const { stdout } = await place.run(argv);
    expect(inPlace(place, stdout)).toEqual(output);
  },
);
