/** What PostgreSQL statements do, read from their parse trees. */

import type { SqlNode } from "./postgres-parser.ts";
import { RUNS_SQL } from "./postgres-functions.ts";
import { hiddenEffect, kindsOf, type Kind } from "./statement-kinds.ts";
import { isNode, judgeWhere, listOf, mentionsColumn, stringOf, type Where } from "./where.ts";

/** A table, function or type by its name; without a schema where it is looked up along the search path. */
export interface SqlName {
  readonly schema: string | undefined;
  /** `*` stands for all that a schema holds. */
  readonly name: string;
}

/** A statement, or one inside another: in a WITH, behind EXPLAIN or PREPARE, in a COPY or a view. */
export interface Unit {
  readonly kinds: Set<Kind>;
  readonly tables: SqlName[];
  readonly functions: SqlName[];
  /** For statements that change rows which are there. */
  where: Where | undefined;
}

/** What a text does. */
export interface Reading {
  /** How many statements there are, one after another. */
  readonly count: number;
  readonly units: readonly Unit[];
  /** What more it may do that its text does not say, as the rest of a sentence about it. */
  readonly hidden: readonly string[];
}

/** Deepest tree that is walked. */
const MAX_DEPTH = 1000;

/** Schemas that are searched without being named: names in them begin so. */
const CATALOG_NAME = /^pg_/;

/** Reads parsed statements. Throws `RangeError` when they nest deeper than anybody writes. */
export function readStatements(statements: readonly SqlNode[]): Reading {
  const reader = new Reader();
  for (const statement of statements) reader.read(statement);
  return { count: statements.length, units: reader.units, hidden: [...reader.hidden] };
}

/** Names of common table expressions that are tables where the walk is. */
type Scope = ReadonlySet<string>;

class Reader {
  readonly units: Unit[] = [];
  readonly hidden: Set<string> = new Set();
  #depth = 0;

  read(statement: SqlNode): void {
    this.#walk(statement, newUnit(), new Set());
  }

  /** Walks a node or list; what it finds belongs to `unit`, unless a statement of its own begins. */
  #walk(value: unknown, unit: Unit, scope: Scope): void {
    if (Array.isArray(value)) {
      for (const item of value) this.#walk(item, unit, scope);
      return;
    }
    if (!isNode(value)) return;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new RangeError("nested too deep");
    const inner = isNode(value["withClause"]) ? this.#with(value["withClause"], unit, scope) : scope;
    this.#clauses(value, unit);
    for (const key of Object.keys(value)) if (key !== "withClause") this.#child(key, value[key], unit, inner);
    this.#depth -= 1;
  }

  #child(key: string, child: unknown, unit: Unit, scope: Scope): void {
    if (!isNode(child)) return this.#walk(child, unit, scope);
    if (key.endsWith("Stmt") && /^[A-Z]/.test(key)) return this.#statement(key, child, unit, scope);
    if (typeof child["relname"] === "string") {
      // Only in a FROM, where it is wrapped, can a name be that of a common table expression.
      const isCommon = key === "RangeVar" && child["schemaname"] === undefined && scope.has(child["relname"]);
      if (!isCommon) unit.tables.push(nameOf(child["schemaname"], child["relname"]));
    }
    if (key === "FuncCall" || key === "funccall") this.#function(namesOf(child["funcname"]), unit);
    if (key === "RangeTableSample") this.#function(namesOf(child["method"]), unit);
    if (key === "typeName" || key === "TypeName") this.#type(namesOf(child["names"]), unit);
    this.#walk(child, unit, scope);
  }

  #statement(node: string, fields: SqlNode, around: Unit, scope: Scope): void {
    // The rows of an INSERT are no query.
    const isRows = node === "SelectStmt" && around.kinds.has("insert") && listOf(fields["valuesLists"]).length > 0;
    const unit = isRows ? around : newUnit(kindsOf(node, fields));
    if (!isRows) this.units.push(unit);
    const effect = hiddenEffect(node);
    if (effect !== undefined && node !== "GrantStmt" && node !== "GrantRoleStmt") this.hidden.add(effect);
    if (node === "UpdateStmt" || node === "DeleteStmt") unit.where = judgeWhere(fields);
    if (node === "MergeStmt") unit.where = mentionsColumn(fields["joinCondition"]) ? "present" : "missing";
    if (node === "CopyStmt") this.#copy(fields, unit);
    if (node === "DropStmt" || node === "GrantStmt") addNamedObjects(fields, unit);
    this.#walk(fields, unit, scope);
  }

  /** Clauses that make a statement do more than its name says. */
  #clauses(node: SqlNode, unit: Unit): void {
    if (isNode(node["intoClause"])) unit.kinds.add("create");
    if (listOf(node["lockingClause"]).length > 0) unit.kinds.add("lock");
    const { onConflictClause: conflict, mergeWhenClauses: merges } = node;
    if (isNode(conflict) && conflict["action"] === "ONCONFLICT_UPDATE") {
      unit.kinds.add("update");
      const { SelectStmt: rows } = isNode(node["selectStmt"]) ? node["selectStmt"] : {};
      unit.where = isNode(rows) && listOf(rows["valuesLists"]).length > 0 ? "keyed" : "present";
    }
    for (const merge of listOf(merges)) {
      const { MergeWhenClause: clause } = isNode(merge) ? merge : {};
      const command = isNode(clause) ? clause["commandType"] : undefined;
      if (command === "CMD_UPDATE") unit.kinds.add("update");
      if (command === "CMD_DELETE") unit.kinds.add("delete");
      if (command === "CMD_INSERT") unit.kinds.add("insert");
    }
    // `a OPERATOR(schema.+) b`, `ORDER BY a USING OPERATOR(schema.<)`, `a OPERATOR(schema.=) ANY (SELECT …)`.
    for (const name of [node["name"], node["useOp"], node["operName"]]) {
      const names = name === undefined ? [] : namesOf(name);
      if (names.length > 1 && names[0] !== "pg_catalog") this.hidden.add("uses an operator of another schema");
    }
  }

  #copy({ is_program: isProgram, filename }: SqlNode, unit: Unit): void {
    if (typeof filename === "string") unit.kinds.add(isProgram === true ? "program" : "file");
    if (isProgram === true) this.hidden.add("runs a program on the server");
  }

  #function(names: readonly string[], unit: Unit): void {
    const name = names.at(-1) ?? "";
    unit.functions.push({ schema: names.at(-2), name });
    if (RUNS_SQL.has(name)) this.hidden.add(`runs a text as SQL, by ${name}`);
  }

  /** A type of another schema comes with functions of its own. */
  #type(names: readonly string[], unit: Unit): void {
    const [schema, name] = names.slice(-2);
    if (schema !== undefined && name !== undefined && schema !== "pg_catalog") unit.functions.push({ schema, name });
  }

  /** Walks common table expressions; answers the scope they make. One sees those before it, or with RECURSIVE all. */
  #with(clause: SqlNode, unit: Unit, scope: Scope): Scope {
    const tables = listOf(clause["ctes"]).flatMap((each): readonly SqlNode[] => {
      const { CommonTableExpr: table } = isNode(each) ? each : {};
      return isNode(table) ? [table] : [];
    });
    const all = new Set(scope);
    if (clause["recursive"] === true) for (const { ctename } of tables) all.add(String(ctename));
    for (const table of tables) {
      this.#walk(table, unit, new Set(all));
      all.add(String(table["ctename"]));
    }
    return all;
  }
}

function newUnit(kinds: readonly Kind[] = []): Unit {
  return { kinds: new Set(kinds), tables: [], functions: [], where: undefined };
}

/** An unqualified name of the system catalogue's is in it: that is searched first. */
function nameOf(schema: unknown, name: string): SqlName {
  if (typeof schema === "string") return { schema, name };
  return { schema: CATALOG_NAME.test(name) ? "pg_catalog" : undefined, name };
}

function namesOf(list: unknown): readonly string[] {
  return listOf(list).flatMap((each) => stringOf(each) ?? []);
}

/** What DROP, GRANT and REVOKE name: lists of names for tables and the like, single names for schemas. */
function addNamedObjects(fields: SqlNode, unit: Unit): void {
  const type = String(fields["removeType"] ?? fields["objtype"]);
  const isPart = ["OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"].includes(type);
  const isSchema = type === "OBJECT_SCHEMA" || fields["targtype"] === "ACL_TARGET_ALL_IN_SCHEMA";
  for (const object of listOf(fields["objects"])) {
    const schema = stringOf(object);
    if (schema !== undefined && isSchema) unit.tables.push({ schema, name: "*" });
    const { List: list } = isNode(object) ? object : {};
    const names = namesOf(isNode(list) ? list["items"] : undefined).slice(0, isPart ? -1 : undefined);
    if (names.length > 0) unit.tables.push(nameOf(names.at(-2), names.at(-1) ?? ""));
  }
}
