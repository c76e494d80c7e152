/** How far a WHERE bounds the rows that a statement changes. */

import type { SqlNode } from "./postgres-parser.ts";

/** `keyed`: one of its conditions, all of which must hold, is that a column of the changed table is a constant or one of some. */
export type Where = "missing" | "present" | "keyed";

/** Judges the WHERE of an UPDATE or DELETE. One that mentions no column bounds nothing. */
export function judgeWhere(statement: SqlNode): Where {
  const { whereClause, relation, fromClause, usingClause } = statement;
  if (!isNode(whereClause) || !mentionsColumn(whereClause)) return "missing";
  const isAlone = !isFilled(fromClause) && !isFilled(usingClause);
  const names = isNode(relation) ? namesOf(relation) : [];
  return conjuncts(whereClause).some((each) => isKey(each, names, isAlone)) ? "keyed" : "present";
}

/** Whether the node has a column anywhere, subqueries included. */
export function mentionsColumn(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(mentionsColumn);
  if (!isNode(node)) return false;
  return "ColumnRef" in node || "CurrentOfExpr" in node || Object.values(node).some(mentionsColumn);
}

function conjuncts(node: SqlNode): readonly SqlNode[] {
  const { BoolExpr: bool } = node;
  if (!isNode(bool) || bool["boolop"] !== "AND_EXPR") return [node];
  return listOf(bool["args"]).flatMap((each) => (isNode(each) ? conjuncts(each) : []));
}

function isKey({ A_Expr: expression }: SqlNode, names: readonly string[], isAlone: boolean): boolean {
  if (!isNode(expression) || operatorOf(expression) !== "=") return false;
  const { kind, lexpr: left, rexpr: right } = expression;
  if (kind === "AEXPR_IN") return isColumnOf(left, names, isAlone) && membersOf(right).every(isConstant);
  if (kind !== "AEXPR_OP") return false;
  return (
    (isColumnOf(left, names, isAlone) && isConstant(right)) || (isColumnOf(right, names, isAlone) && isConstant(left))
  );
}

/** A bare column may be one of another table where there are several. */
function isColumnOf(node: unknown, names: readonly string[], isAlone: boolean): boolean {
  const { ColumnRef: column } = isNode(node) ? node : {};
  if (!isNode(column)) return false;
  const fields = listOf(column["fields"]).map(stringOf);
  if (fields.includes(undefined)) return false;
  return fields.length === 1 ? isAlone : names.includes(fields.at(-2) ?? "");
}

/** A text, a number or a parameter, perhaps cast. Neither null, which equals nothing, nor a truth value, which halves a table. */
function isConstant(node: unknown): boolean {
  if (!isNode(node)) return false;
  const { A_Const: constant, ParamRef: parameter, TypeCast: cast } = node;
  if (isNode(parameter)) return true;
  if (isNode(cast)) return isConstant(cast["arg"]) && !/bool/.test(JSON.stringify(cast["typeName"]));
  return isNode(constant) && ["ival", "fval", "sval", "bsval"].some((kind) => kind in constant);
}

function membersOf(node: unknown): readonly unknown[] {
  const { List: list } = isNode(node) ? node : {};
  // A list without members would be one that cannot be read.
  const items = isNode(list) ? listOf(list["items"]) : [];
  return items.length === 0 ? [undefined] : items;
}

/** What the changed table may be called in its statement. */
function namesOf({ relname, alias }: SqlNode): readonly string[] {
  const name = isNode(alias) ? alias["aliasname"] : relname;
  return typeof name === "string" ? [name] : [];
}

function operatorOf({ name }: SqlNode): string | undefined {
  const names = listOf(name).map(stringOf);
  return names.length === 1 ? names[0] : undefined;
}

/** The text of a `String` node. */
export function stringOf(node: unknown): string | undefined {
  const { String: text } = isNode(node) ? node : {};
  const value = isNode(text) ? (text["sval"] ?? "") : undefined;
  return typeof value === "string" ? value : undefined;
}

/** Whether a value of the tree is a node. */
export function isNode(value: unknown): value is SqlNode {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list of the tree; empty where there is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function isFilled(value: unknown): boolean {
  return listOf(value).length > 0;
}
