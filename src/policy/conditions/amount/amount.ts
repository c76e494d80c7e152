/** `amount`: how much a call is about, in which currency, compared as exact decimals. */

import type { Json, JsonObject } from "../../../snapshot.ts";
import { alike, both, type Answer } from "../../answer.ts";
import { oneOrList, type JsonSchema } from "../../document/json-schema.ts";
import { listed, type ConditionKind, type ReportProblem } from "../condition.ts";
import { FIELD, statedIn } from "../stated.ts";
import { decimalsOf } from "./currency.ts";
import { compare, COMPARISON_NAMES, COMPARISONS, EXACT_DIGITS, readQuantity, type ComparisonName } from "./quantity.ts";

/** The top-level fields of a payload that say how much. All that are present count. */
export const AMOUNT_FIELDS: readonly string[] = ["amount", "total", "value", "sum", "quantity", "price", "cost"];

type Written = Readonly<Partial<Record<ComparisonName, string | number>>> & {
  readonly field?: unknown;
  readonly currency?: unknown;
  readonly unit?: "minor";
};

const DECIMAL: JsonSchema = {
  title: "a number, or a plain decimal in quotes",
  type: ["number", "string"],
  pattern: "^-?[0-9]+(?:\\.[0-9]+)?$",
  maxLength: 32,
};

/**
 * `yes` when every amount satisfies every comparison and is in one of the currencies, `no` when one of the comparisons or the
 * currencies excludes all. `maybe` when some do, or an amount or its currency is missing or cannot be read.
 */
export const amount: ConditionKind = {
  schema: {
    title: "a mapping with comparisons",
    description: `Holds for the amounts of the payload (default fields: ${AMOUNT_FIELDS.join(", ")}). Missing ones answer maybe.`,
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    properties: {
      field: FIELD,
      currency: oneOrList(
        { title: "a currency such as EUR", type: "string", pattern: "^[A-Z]{3}$" },
        "a list of currencies",
        "What the field `currency` beside the amount must say, by codes of ISO 4217.",
      ),
      unit: {
        title: "major or minor",
        description:
          "`minor`: the payload counts cents, or whatever the currency's smallest unit is; this rule does not.",
        type: "string",
        enum: ["minor"],
      },
      ...Object.fromEntries(
        COMPARISON_NAMES.map((name) => [
          name,
          { ...DECIMAL, description: `The amount is ${COMPARISONS[name].words} this.` },
        ]),
      ),
    },
  },
  compile: (value, report) => {
    const written = value as Written;
    const currencies = written.currency === undefined ? undefined : listed(written.currency).map(String);
    const decimals = decimalsAllowed(written, currencies, report);
    const bounds = boundsOf(written, decimals, report);
    if (COMPARISON_NAMES.every((name) => written[name] === undefined) && currencies === undefined)
      report([], "says nothing about amounts; give it `gt`, `gte`, `lt`, `lte` or `currency`");
    const find = statedIn(written.field, AMOUNT_FIELDS);
    const findCurrency = statedIn(
      listed(written.field ?? "amount").map((field) => beside(String(field))),
      [],
    );
    const askAmount = (stated: Json): Answer => {
      const said = readQuantity(stated);
      if (said === undefined || (decimals !== undefined && decimalsIn(said) > decimals)) return "maybe";
      return bounds.reduce<Answer>(
        (answer, [name, bound]) => both(answer, compare(COMPARISONS[name], said, bound)),
        "yes",
      );
    };
    const ask = (payload: JsonObject): Answer => {
      const amounts = find(payload);
      const answer = amounts.length === 0 ? "maybe" : alike(amounts.map((stated) => askAmount(stated.value)));
      if (currencies === undefined) return answer;
      const named = findCurrency(payload);
      return both(
        answer,
        named.length === 0 ? "maybe" : alike(named.map((stated) => askCurrency(stated.value, currencies))),
      );
    };
    return {
      ask: ({ event: { payload } }) => ask(payload),
      why: ({ event: { payload } }) => {
        const amounts = find(payload).map(({ field, value: stated }) => `${field} ${describe(stated, decimals)}`);
        const named = currencies === undefined ? [] : findCurrency(payload);
        const missing = currencies !== undefined && named.length === 0 ? ["the payload has no currency"] : [];
        return [
          ...(amounts.length === 0 ? ["the payload has no amount"] : amounts),
          ...named.map(({ field, value: stated }) => `${field} is ${JSON.stringify(stated)}`),
          ...missing,
        ].join(", ");
      },
    };
  },
};

/** How many decimals the payload's numbers may have; `undefined` when nobody says. */
function decimalsAllowed(
  { unit, currency }: Written,
  currencies: readonly string[] | undefined,
  report: ReportProblem,
): number | undefined {
  const decimals = currencies?.map(decimalsOf);
  if (unit !== "minor") return decimals && Math.max(...decimals);
  if (decimals === undefined) report(["unit"], "needs a `currency`, which says what the smallest unit is");
  else if (new Set(decimals).size > 1)
    report(
      Array.isArray(currency) ? ["currency"] : [],
      "has currencies of different smallest units; write a rule for each",
    );
  return 0;
}

/** The bounds in the unit of the payload. */
function boundsOf(
  written: Written,
  decimals: number | undefined,
  report: ReportProblem,
): readonly (readonly [ComparisonName, number])[] {
  const [currency] = written.currency === undefined ? [] : listed(written.currency);
  const shift = written.unit === "minor" ? decimalsOf(String(currency)) : 0;
  return COMPARISON_NAMES.flatMap((name) => {
    const bound = written[name];
    if (bound === undefined) return [];
    const text = String(bound);
    if (readQuantity(text) === undefined) {
      report([name], `must be a plain decimal of at most ${EXACT_DIGITS} digits, to be compared exactly`);
      return [];
    }
    // Moves the point in the text, where nothing is rounded, and not by multiplying.
    return [[name, Number(`${text}e${shift}`)] as const];
  });
}

/** The field `currency` beside a field. */
function beside(field: string): string {
  return [...field.split(".").slice(0, -1), "currency"].join(".");
}

function askCurrency(stated: Json, currencies: readonly string[]): Answer {
  if (typeof stated !== "string" || !/^\s*[A-Za-z]{3}\s*$/.test(stated)) return "maybe";
  return currencies.includes(stated.trim().toUpperCase()) ? "yes" : "no";
}

/** Decimals of a number as JavaScript writes it, which is with as few digits as tell it from all others. */
function decimalsIn(number: number): number {
  const [, fraction = "", exponent = "0"] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(number)) ?? [];
  return Math.max(0, fraction.length - Number(exponent));
}

function describe(stated: Json, decimals: number | undefined): string {
  const said = readQuantity(stated);
  if (said === undefined) return "is no plain number";
  const tooFine = decimals !== undefined && decimalsIn(said) > decimals;
  return `is ${said}${tooFine ? ", which is finer than the currency" : ""}`;
}
