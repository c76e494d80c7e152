import { describe, it } from "vitest";

import { toolFactories } from "../../src/testing/index.ts";
import { GATES } from "./conformance-suites.ts";
import { KINDS } from "./kinds.ts";

describe("the conformance kit, with every kind of tool, passes on", () => {
  it.each(GATES)("%s", async (_name, tryWith) => {
    await tryWith([...toolFactories, ...KINDS]);
  });
});
