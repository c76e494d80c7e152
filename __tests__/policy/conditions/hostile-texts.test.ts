import * as fc from "fast-check";
import { beforeAll, expect, it } from "vitest";

import { call } from "../calls.ts";
import { hostileText, policies } from "./hostile-texts.ts";

beforeAll(async () => {
  for (const [, both] of policies) for (const policy of both) await policy.ready();
});

it("answers whatever the text, without an exception", async () => {
  await fc.assert(
    fc.asyncProperty(hostileText, async (x) => {
      const event = call({ capability: "a.b", payload: { x } });
      for (const [, both] of policies) {
        for (const policy of both) {
          // The SQL parser is loaded anew after a text that broke it.
          await policy.ready();
          const { rules } = policy.explain(event);
          expect(rules[0]?.conditions[0]?.why).not.toBe("the condition could not be asked");
        }
      }
    }),
    { numRuns: 200 },
  );
});
