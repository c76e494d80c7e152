/** What a rule says about SQL, compiled: which statements it is about, on which tables, calling which functions. */

import type { DecisionKind } from "../../../event.ts";
import { atMostMaybe, both, either, type Answer } from "../../answer.ts";
import { listed } from "../condition.ts";
import { compileGlob } from "../glob.ts";
import { PURE_FUNCTIONS } from "./postgres-functions.ts";
import type { Reading, SqlName, Unit } from "./postgres-reading.ts";
import type { Where } from "./where.ts";

/** The values of `where`. */
export const WHERES = ["any", "present", "keyed", "missing", "unkeyed"] as const;

/** What a rule may say: one or a list of each name. */
export interface SqlTerms {
  readonly kinds?: unknown;
  readonly tables?: unknown;
  readonly schemas?: unknown;
  readonly functions?: unknown;
  readonly where?: (typeof WHERES)[number];
  readonly statements?: number;
}

/** One thing that is asked about a statement, by the key that asks it. */
interface Part {
  readonly name: keyof SqlTerms;
  readonly ask: (unit: Unit) => Answer;
}

/** What is answered about one text, and about each of its statements. */
export interface SqlJudgement {
  readonly answer: Answer;
  /** In the order of the reading's units. */
  readonly units: readonly UnitJudgement[];
  /** How many statements there are, where that is in the way. */
  readonly tooMany: number | undefined;
}

/** What is answered about one statement, and which keys of the rule did not answer yes. */
export interface UnitJudgement {
  readonly answer: Answer;
  readonly missed: readonly string[];
}

/**
 * Compiles terms. A permission needs every statement, those inside others included, to be what it says, calling nothing but
 * functions that are known or named. A restriction needs one statement that is.
 */
export function compileSql(terms: SqlTerms, section: DecisionKind): (reading: Reading) => SqlJudgement {
  const isPermission = section === "allow";
  const parts = partsOf(terms, isPermission);
  return (reading) => {
    const { count, units, hidden } = reading;
    const judged = units.map((unit): UnitJudgement => {
      const said = parts.map(({ name, ask }) => ({ name, answer: ask(unit) }));
      return {
        answer: said.reduce<Answer>((all, { answer }) => both(all, answer), "yes"),
        missed: said.filter(({ answer }) => answer !== "yes").map(({ name, answer }) => `${name}: ${answer}`),
      };
    });
    const answers = judged.map(({ answer }) => answer);
    if (isPermission) {
      const isMore = count > (terms.statements ?? 1);
      const all = answers.reduce<Answer>(both, isMore ? "no" : "yes");
      return {
        answer: hidden.length > 0 ? atMostMaybe(all) : all,
        units: judged,
        tooMany: isMore ? count : undefined,
      };
    }
    const any = answers.reduce<Answer>(either, hidden.length > 0 ? "maybe" : "no");
    const isAbout = terms.statements === undefined || count > terms.statements;
    return { answer: isAbout ? any : "no", units: judged, tooMany: undefined };
  };
}

function partsOf(terms: SqlTerms, isPermission: boolean): readonly Part[] {
  const { kinds, tables, schemas, functions, where } = terms;
  const parts: Part[] = [];
  const quantified = <Item>(items: Iterable<Item>, ask: (item: Item) => Answer): Answer =>
    [...items].reduce<Answer>(
      (answer, item) => (isPermission ? both(answer, ask(item)) : either(answer, ask(item))),
      isPermission ? "yes" : "no",
    );
  if (kinds !== undefined) {
    const named = new Set(listed(kinds));
    parts.push({ name: "kinds", ask: (unit) => quantified(unit.kinds, (kind) => answerOf(named.has(kind))) });
  }
  if (tables !== undefined) {
    const patterns = listed(tables).map((each) => compileName(String(each), isPermission));
    const ask = (table: SqlName): Answer => anyOf(patterns, (pattern) => matchName(table, pattern, isPermission));
    parts.push({ name: "tables", ask: (unit) => quantified(unit.tables, ask) });
  }
  if (schemas !== undefined) {
    const named = listed(schemas).map((each) => compileLetters(String(each), isPermission));
    const ask = ({ schema }: SqlName): Answer => {
      // Along the search path: where that leads a permission does not know, and a restriction takes it to lead elsewhere.
      if (schema === undefined) return isPermission ? "maybe" : "no";
      return anyOf(named, (matches) => matches(schema));
    };
    parts.push({ name: "schemas", ask: (unit) => quantified(unit.tables, ask) });
  }
  if (functions !== undefined || isPermission) {
    const patterns = (functions === undefined ? [] : listed(functions)).map((each) =>
      compileName(String(each), isPermission),
    );
    const ask = (called: SqlName): Answer => {
      if (isPermission && isPure(called)) return "yes";
      return anyOf(patterns, (pattern) => matchName(called, pattern, isPermission));
    };
    parts.push({ name: "functions", ask: (unit) => quantified(unit.functions, ask) });
  }
  if (where !== undefined) parts.push({ name: "where", ask: (unit) => answerOf(FITS_WHERE[where](unit.where)) });
  return parts;
}

/** What a rule may ask of the WHERE of statements that change rows; the others have none to ask about. */
const FITS_WHERE: Readonly<Record<(typeof WHERES)[number], (where: Where | undefined) => boolean>> = {
  any: () => true,
  present: (where) => where !== "missing",
  keyed: (where) => where === undefined || where === "keyed",
  missing: (where) => where === "missing",
  unkeyed: (where) => where !== undefined && where !== "keyed",
};

/** A name of a rule: `users`, `public.users`, `audit.*`, `"Users"`. Letters without quotes are small, as in SQL. */
interface NamePattern {
  readonly schema: Letters | undefined;
  readonly name: Letters;
}

type Letters = (text: string) => Answer;

/** A restriction may be about a name that differs in nothing but the case of its letters; a permission never is. */
function compileLetters(pattern: string, isPermission: boolean): Letters {
  const exact = compileGlob(pattern);
  if (isPermission) return (text) => answerOf(exact(text));
  const folded = compileGlob(pattern.toLowerCase());
  return (text) => (exact(text) ? "yes" : folded(text.toLowerCase()) ? "maybe" : "no");
}

function compileName(written: string, isPermission: boolean): NamePattern {
  const parts = (written.match(/"(?:[^"]|"")*"|[^."]+/g) ?? []).map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.trim().toLowerCase(),
  );
  const schema = parts.at(-2);
  return {
    schema: schema === undefined ? undefined : compileLetters(schema, isPermission),
    name: compileLetters(parts.at(-1) ?? "", isPermission),
  };
}

/**
 * A name without a schema is looked up along the search path, which the text does not tell. A restriction on a name without
 * one is about it in every schema; a permission only about the name as it is written.
 */
function matchName({ schema, name }: SqlName, pattern: NamePattern, isPermission: boolean): Answer {
  if (name === "*") return schema !== undefined && pattern.schema?.(schema) === "no" ? "no" : "maybe";
  const named = pattern.name(name);
  if (pattern.schema === undefined) return isPermission && schema !== undefined ? atMostMaybe(named) : named;
  return both(named, schema === undefined ? "maybe" : pattern.schema(schema));
}

function isPure({ schema, name }: SqlName): boolean {
  return (schema === undefined || schema === "pg_catalog") && PURE_FUNCTIONS.has(name);
}

function anyOf<Item>(items: readonly Item[], ask: (item: Item) => Answer): Answer {
  return items.reduce<Answer>((answer, item) => either(answer, ask(item)), "no");
}

function answerOf(holds: boolean): Answer {
  return holds ? "yes" : "no";
}
