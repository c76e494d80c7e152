/** What kinds of statements there are, by the names of PostgreSQL's parse nodes. */

/** The kinds that a rule may name. */
export const KINDS = [
  "select",
  "insert",
  "update",
  "delete",
  "merge",
  "truncate",
  "create",
  "alter",
  "drop",
  "grant",
  "revoke",
  "role",
  "copy",
  "file",
  "program",
  "call",
  "do",
  "prepare",
  "execute",
  "explain",
  "show",
  "set",
  "transaction",
  "lock",
  "cursor",
  "notify",
  "maintain",
  "comment",
  "other",
] as const;

/** A kind of statement. */
export type Kind = (typeof KINDS)[number];

const KIND_OF: Readonly<Record<string, readonly Kind[]>> = {
  SelectStmt: ["select"],
  PLAssignStmt: ["other"],
  InsertStmt: ["insert"],
  UpdateStmt: ["update"],
  DeleteStmt: ["delete"],
  MergeStmt: ["merge"],
  TruncateStmt: ["truncate"],
  CopyStmt: ["copy"],
  CallStmt: ["call"],
  DoStmt: ["do"],
  PrepareStmt: ["prepare"],
  ExecuteStmt: ["execute"],
  DeallocateStmt: ["prepare"],
  ExplainStmt: ["explain"],
  VariableShowStmt: ["show"],
  VariableSetStmt: ["set"],
  ConstraintsSetStmt: ["set"],
  DiscardStmt: ["set"],
  TransactionStmt: ["transaction"],
  LockStmt: ["lock"],
  DeclareCursorStmt: ["cursor"],
  FetchStmt: ["cursor"],
  ClosePortalStmt: ["cursor"],
  ListenStmt: ["notify"],
  UnlistenStmt: ["notify"],
  NotifyStmt: ["notify"],
  VacuumStmt: ["maintain"],
  ClusterStmt: ["maintain"],
  ReindexStmt: ["maintain"],
  CheckPointStmt: ["maintain"],
  RefreshMatViewStmt: ["maintain"],
  CommentStmt: ["comment"],
  SecLabelStmt: ["alter"],
  IndexStmt: ["create"],
  ViewStmt: ["create"],
  RuleStmt: ["create"],
  DefineStmt: ["create"],
  CompositeTypeStmt: ["create"],
  ImportForeignSchemaStmt: ["create"],
  RenameStmt: ["alter"],
  ReplicaIdentityStmt: ["alter"],
  CreateRoleStmt: ["create", "role"],
  AlterRoleStmt: ["alter", "role"],
  AlterRoleSetStmt: ["alter", "role"],
  DropRoleStmt: ["drop", "role"],
  DropOwnedStmt: ["drop", "role"],
  ReassignOwnedStmt: ["alter", "role"],
  AlterDefaultPrivilegesStmt: ["alter", "grant"],
};

/** What a statement does that its text does not say, by its node, as the rest of a sentence about the text. */
const HIDDEN: Readonly<Record<string, string>> = {
  DoStmt: "runs a block of code",
  ExecuteStmt: "runs a statement that was prepared earlier",
  LoadStmt: "loads a library",
  CreateFunctionStmt: "makes code that runs later",
  CreateTrigStmt: "makes a trigger, which runs later",
  CreateEventTrigStmt: "makes a trigger, which runs later",
  CreateExtensionStmt: "installs an extension",
  CreatePLangStmt: "installs a language",
  CreateSubscriptionStmt: "lets another server change rows",
};

/** The kinds of a statement by the name of its node; `other` for what is not known. */
export function kindsOf(node: string, { is_grant: isGrant }: Readonly<Record<string, unknown>>): readonly Kind[] {
  if (node === "GrantStmt") return [isGrant === true ? "grant" : "revoke"];
  if (node === "GrantRoleStmt") return [isGrant === true ? "grant" : "revoke", "role"];
  if (Object.hasOwn(KIND_OF, node)) return KIND_OF[node] ?? [];
  if (node.startsWith("Create")) return ["create"];
  if (node.startsWith("Alter")) return ["alter"];
  return node.startsWith("Drop") ? ["drop"] : ["other"];
}

/** What such a statement may do beyond its text; `undefined` when nothing. */
export function hiddenEffect(node: string): string | undefined {
  if (Object.hasOwn(HIDDEN, node)) return HIDDEN[node];
  return kindsOf(node, {}).includes("other") ? "is a statement of an unknown kind" : undefined;
}
