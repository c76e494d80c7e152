import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Answer } from "../../../src/policy/answer.ts";
import { issuesIn } from "../load-errors.ts";
import { asked } from "./asked.ts";

const decimal = (amount: number): string => `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, "0")}`;

describe("amount", () => {
  it.each<[object, object, Answer]>([
    [{ gt: 100 }, { amount: 100.01 }, "yes"],
    [{ gt: 100 }, { amount: "100.00" }, "no"],
    [{ gte: "0.3" }, { amount: 0.3 }, "yes"],
    [{ gte: "0.30" }, { amount: ".3" }, "yes"],
    [{ lte: 0.3 }, { amount: 0.1 + 0.2 }, "no"],
    [{ gt: 0, lte: 100 }, { amount: 50 }, "yes"],
    [{ gt: 0, lte: 100 }, { amount: 0 }, "no"],
    [{ gt: "99999999999.9999" }, { amount: "100000000000.000" }, "yes"],
    [{ gt: 100 }, {}, "maybe"],
    [{ gt: 100 }, { amt: 500 }, "maybe"],
    [{ gt: 100 }, { amount: null }, "maybe"],
    [{ gt: 100 }, { amount: "1,000" }, "maybe"],
    [{ gt: 100 }, { amount: "1e9" }, "maybe"],
    [{ gt: 100 }, { amount: { value: 500 } }, "maybe"],
    [{ gt: 100 }, { amount: [500, 600] }, "yes"],
    [{ gt: 100 }, { amount: [500, 50] }, "maybe"],
    [{ gt: 100 }, { amount: 5, total: 500 }, "maybe"],
    [{ field: "amount", gt: 100 }, { amount: 5, total: 500 }, "no"],
    [{ field: "to.sum", gt: 100 }, { to: { sum: 500 } }, "yes"],
    [{ field: "lines.sum", gt: 100 }, { lines: [{ sum: 500 }, { sum: 5 }] }, "maybe"],
    [{ currency: "EUR", lt: 100 }, { amount: 5, currency: "EUR" }, "yes"],
    [{ currency: "EUR", lt: 100 }, { amount: 5, currency: " eur" }, "yes"],
    [{ currency: ["EUR", "USD"], lt: 100 }, { amount: 5, currency: "USD" }, "yes"],
    [{ currency: "EUR", lt: 100 }, { amount: 5, currency: "USD" }, "no"],
    [{ currency: "EUR", lt: 100 }, { amount: 5 }, "maybe"],
    [{ currency: "EUR", lt: 100 }, { amount: 500 }, "no"],
    [{ currency: "EUR", lt: 100 }, { amount: 5, currency: "€" }, "maybe"],
    [{ currency: "EUR", lt: 100 }, { amount: 5, currency: ["EUR", "USD"] }, "maybe"],
    [{ currency: "EUR", lt: 100 }, { amount: "5.005", currency: "EUR" }, "maybe"],
    [{ currency: "EUR", lt: 100 }, { amount: 1e-7, currency: "EUR" }, "maybe"],
    [{ currency: "JPY", lt: 100 }, { amount: 5.5, currency: "JPY" }, "maybe"],
    [{ currency: "KWD", lt: 100 }, { amount: 5.505, currency: "KWD" }, "yes"],
    [{ currency: "EUR" }, { amount: 5, currency: "EUR" }, "yes"],
    [{ currency: "EUR", field: "to.sum", gt: 1 }, { to: { sum: 5, currency: "EUR" }, currency: "USD" }, "yes"],
    [{ currency: "EUR", unit: "minor", lte: 100 }, { amount: 10_000, currency: "EUR" }, "yes"],
    [{ currency: "EUR", unit: "minor", lte: 100 }, { amount: 10_001, currency: "EUR" }, "no"],
    [{ currency: "EUR", unit: "minor", lt: "1.15" }, { amount: 115, currency: "EUR" }, "no"],
    [{ currency: "EUR", unit: "minor", lt: 1 }, { amount: 9.5, currency: "EUR" }, "maybe"],
    [{ currency: "JPY", unit: "minor", lte: 100 }, { amount: 100, currency: "JPY" }, "yes"],
    [{ currency: "KWD", unit: "minor", lte: 1.005 }, { amount: 1005, currency: "KWD" }, "yes"],
  ])("%j with %j: %s", (terms, payload, answer) => {
    for (const section of ["deny", "allow"] as const) expect(asked(section, "amount", terms, payload)).toBe(answer);
  });

  it.each([
    ["{}", "must not be empty"],
    ["{field: x}", "says nothing about amounts"],
    ["{gt: 1e3x}", "a plain decimal in quotes"],
    ["{gt: '1,000'}", "a plain decimal in quotes"],
    ["{gt: 12345678901234567}", "at most 15 digits"],
    ["{gt: '0.1234567890123456'}", "at most 15 digits"],
    ["{currency: eur, gt: 1}", "a currency such as EUR"],
    ["{unit: minor, gt: 1}", "needs a `currency`"],
    ["{unit: minor, currency: [EUR, JPY], gt: 1}", "different smallest units"],
  ])("refuses %s", (written, message) => {
    const [issue] = issuesIn(`allow:\n  - {capability: a.b, amount: ${written}}\n`);
    expect(issue).toMatchObject({ line: 2 });
    expect(issue?.message).toContain(message);
  });

  it("compares cents as integers do, whatever the decimals", () => {
    const cents = fc.integer({ min: 0, max: 99_999_999_999 });
    fc.assert(
      fc.property(cents, cents, (stated, bound) => {
        for (const [name, holds] of [
          ["gt", stated > bound],
          ["gte", stated >= bound],
          ["lt", stated < bound],
          ["lte", stated <= bound],
        ] as const) {
          const answer = holds ? "yes" : "no";
          const currency = "EUR";
          const amounts = [decimal(stated), Number(decimal(stated))];
          for (const amount of amounts)
            expect(asked("deny", "amount", { currency, [name]: decimal(bound) }, { amount, currency })).toBe(answer);
          const minor = { currency, unit: "minor", [name]: decimal(bound) };
          expect(asked("deny", "amount", minor, { amount: stated, currency })).toBe(answer);
        }
      }),
      { numRuns: 300 },
    );
  });
});
