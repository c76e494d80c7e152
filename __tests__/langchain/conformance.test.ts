import { describe, expect, it } from "vitest";

import { toolFactories, type ToolFactory } from "../../src/testing/index.ts";
import { GATES } from "./conformance-suites.ts";
import { KINDS } from "./kinds.ts";

const some = (pattern: RegExp, kinds: readonly ToolFactory[] = KINDS): readonly ToolFactory[] =>
  kinds.filter(({ name }) => pattern.test(name));

/** Each kind with one gate at least, and with each gate what the gates treat differently; the slow suite tries all with all. */
const TRIED: Readonly<Record<string, readonly ToolFactory[]>> = {
  CapFenceTool: some(/zod 4|transforms|Date|DynamicTool|extends|_call|artifact|Command|made a text tool/),
  "CapFenceTool that answers with messages": some(/JSON schema|decodes|generator/, toolFactories),
  guardTools: [...some(/JSON schema/, toolFactories), ...some(/zod\/mini|runnable made a tool/)],
  capfenceMiddleware: some(
    /zod 3|JSON schema|for text|Structured|with a generator|returns|throws|runnable made a tool/,
  ),
  "capfenceMiddleware that answers with messages": some(/JSON schema|decodes|content and artifact/, toolFactories),
};

describe("the conformance kit passes on", { timeout: 60_000 }, () => {
  it.each(GATES)("%s", async (name, tryWith) => {
    await tryWith(TRIED[name] ?? []);
  });

  it("every kind of tool with some gate", () => {
    const tried = new Set(Object.values(TRIED).flat());
    expect(KINDS.filter((kind) => !tried.has(kind)).map(({ name }) => name)).toEqual([]);
  });
});
