/** `sql`: what the statements of a call do, as the database's own parser reads them. */

import { alike, type Answer } from "../../answer.ts";
import { oneOrList, type JsonSchema } from "../../document/json-schema.ts";
import type { Json } from "../../../snapshot.ts";
import type { PayloadText } from "../../matching/payload-text.ts";
import type { ConditionKind } from "../condition.ts";
import { FIELD, textStatedIn } from "../stated.ts";
import { loadPostgresParser, parsePostgres } from "./postgres-parser.ts";
import { readStatements, type Reading, type SqlName, type Unit } from "./postgres-reading.ts";
import { compileSql, type SqlJudgement, type UnitJudgement, WHERES, type SqlTerms } from "./sql-judge.ts";
import { KINDS } from "./statement-kinds.ts";

/** The top-level fields of a payload that hold SQL. All that are present count. */
export const SQL_FIELDS: readonly string[] = ["query", "sql", "statement"];

const NAME: JsonSchema = { title: "a name", type: "string", minLength: 1, maxLength: 256 };

type Written = SqlTerms & { readonly field?: unknown; readonly dialect?: string };

/**
 * `yes` when the statements are what the rule says, `no` when they are not, `maybe` when they cannot be read or may do more
 * than they say: also in other dialects than PostgreSQL's, and before the parser is loaded.
 */
export const sql: ConditionKind = {
  schema: {
    title: "a mapping with `kinds`, `tables`, `schemas`, `functions`, `where` or `statements`",
    description: `Holds for what the SQL of the payload does (default fields: ${SQL_FIELDS.join(", ")}, else its only text).`,
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    properties: {
      field: FIELD,
      dialect: {
        title: "postgres or another dialect",
        description: "Only PostgreSQL is read; SQL of another dialect answers maybe. Default: postgres.",
        type: "string",
        enum: ["postgres", "mysql", "mariadb", "sqlite", "mssql", "oracle", "other"],
      },
      kinds: oneOrList(
        { title: "a kind of statement", type: "string", enum: KINDS },
        "a list of kinds of statements",
        "The statement is of this kind; those inside it count too. An allow rule must say which.",
      ),
      tables: oneOrList(
        NAME,
        "a list of tables",
        "The table: users, public.users, audit.*. In an allow rule: every table.",
      ),
      schemas: oneOrList(
        NAME,
        "a list of schemas",
        "The table's schema, where it is written. In an allow rule: every table's.",
      ),
      functions: oneOrList(
        NAME,
        "a list of functions",
        "The function that is called. In an allow rule: functions that may be, besides PostgreSQL's that only compute.",
      ),
      where: {
        title: `one of ${WHERES.join(", ")}`,
        description:
          "How an UPDATE or DELETE is bounded: `keyed` by a column that is a constant, or one of some; `present`, `missing`, `unkeyed`.",
        type: "string",
        enum: WHERES,
      },
      statements: {
        title: "a number of statements",
        description: "In an allow rule: at most so many (default: 1). In other rules: more than so many.",
        type: "integer",
        minimum: 1,
        maximum: 1000,
      },
    },
  },
  compile: (value, report, section) => {
    const { field, dialect = "postgres", ...terms } = value as Written;
    if (Object.keys(terms).length === 0)
      report(
        [],
        "says nothing about statements; give it `kinds`, `tables`, `schemas`, `functions`, `where` or `statements`",
      );
    else if (section === "allow" && terms.kinds === undefined)
      report([], "has no `kinds`; a rule that allows SQL has to say which statements");
    const judge = compileSql(terms, section);
    const find = textStatedIn(field, SQL_FIELDS);
    const askOne = (stated: Json, text: PayloadText): { readonly answer: Answer; readonly why: string } => {
      const read = dialect === "postgres" ? readOnce(stated, text) : `is SQL of ${dialect}, which is not read`;
      if (typeof read === "string") return { answer: "maybe", why: read };
      const judgement = judge(read);
      return { answer: judgement.answer, why: describe(read, judgement) };
    };
    return {
      ready: loadPostgresParser,
      ask: ({ event: { payload }, text }) =>
        alike(find(payload).map(({ value: stated }) => askOne(stated, text).answer)),
      why: ({ event: { payload }, text }) =>
        find(payload)
          .map(({ field: name, value: stated }) => `${name} ${askOne(stated, text).why}`)
          .join("; ") || "the payload has no SQL",
    };
  },
};

/** What a text does, or why that cannot be told. */
type Read = Reading | string;

/** Rules about one event share what is read; it goes when the judgement is over. */
const remembered: WeakMap<PayloadText, Map<string, Read>> = new WeakMap();

/** Reads a value that is stated in a payload, once per judgement. */
function readOnce(stated: Json, text: PayloadText): Read {
  if (typeof stated !== "string") return "is no text";
  let known = remembered.get(text);
  if (known === undefined) remembered.set(text, (known = new Map()));
  let read = known.get(stated);
  if (read === undefined) known.set(stated, (read = readSql(stated)));
  return read;
}

function readSql(stated: string): Read {
  const parsed = parsePostgres(stated);
  if ("problem" in parsed) return parsed.problem;
  if (parsed.statements.length === 0) return "has no statement";
  try {
    return readStatements(parsed.statements);
  } catch (error) {
    if (error instanceof RangeError) return "is nested too deep";
    throw error;
  }
}

/** Most statements that are shown. */
const MAX_SHOWN = 12;

/** Every statement, those inside others included, with what is answered about it. */
function describe({ count, units, hidden }: Reading, { units: judged, tooMany }: SqlJudgement): string {
  const shown = units.slice(0, MAX_SHOWN).map((unit, index) => describeUnit(unit, judged[index]));
  const more = units.length > MAX_SHOWN ? [`and ${units.length - MAX_SHOWN} more`] : [];
  const many = tooMany === undefined ? [] : [`${tooMany} statements are more than is allowed`];
  const start = `is read as ${count === 1 ? "1 statement" : `${count} statements`}`;
  return `${start}: ${[...shown, ...more, ...hidden.map((each) => `it ${each}`), ...many].join("; ")}`;
}

function describeUnit({ kinds, tables, functions, where }: Unit, judged: UnitJudgement | undefined): string {
  const missed = judged === undefined || judged.missed.length === 0 ? "" : ` (${judged.missed.join(", ")})`;
  return [
    [...kinds].join(" and "),
    ...(tables.length === 0 ? [] : [`on ${namesOf(tables)}`]),
    ...(functions.length === 0 ? [] : [`calling ${namesOf(functions)}`]),
    ...(where === undefined ? [] : [`with WHERE ${where}`]),
    `${judged?.answer ?? "no"}${missed}`,
  ].join(" ");
}

function namesOf(list: readonly SqlName[]): string {
  return [...new Set(list.map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`)))].join(" ");
}
