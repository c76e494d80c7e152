/** Compiles and never runs: what TypeScript lets a caller of the public names say, and what it refuses. */

import { tool } from "@langchain/core/tools";
import { z } from "zod";

import {
  ActionEvent,
  ActionRuntime,
  AgentActionBlocked,
  AuditCorruptError,
  AuditUnavailableError,
  CapFenceError,
  CapFenceTool,
  isActionBlocked,
  Policy,
  PolicyLoadError,
  type ActionEventFields,
  type ActionRuntimeOptions,
  type Approvals,
  type CapFenceErrorCode,
  type CapFenceToolOptions,
  type Decision,
  type DecisionKind,
  type Json,
  type JsonObject,
  type Outcome,
  type OutcomeStatus,
  type PolicyIssue,
  type PolicyParseOptions,
  type Reason,
  type RecordingOptions,
  type RuleReference,
  type Verdict,
  type WrappableTool,
} from "../src/index.ts";

/** Accepts a value of exactly the type `Expected`: neither wider nor narrower. */
declare function is<Expected>(): <const Actual>(
  value: Actual,
  ...proof: [Actual] extends [Expected] ? ([Expected] extends [Actual] ? [] : ["too narrow"]) : ["too wide"]
) => void;

/** Takes whatever it is given. */
declare function use(...values: unknown[]): void;

declare const unknown: unknown;

declare const approvalMethod: keyof ActionRuntime["approvals"];

export async function walkthrough(): Promise<void> {
  const runtime = ActionRuntime.fromPolicy("policies/demo.yaml");
  const safe = await runtime.execute(
    ActionEvent.create({
      actor: "demo-agent",
      action: "execute",
      resource: "shell",
      environment: "production",
      payload: { command: "ls -la /tmp" },
    }),
  );
  is<boolean>()(safe.authorized);
  is<Reason>()(safe.reason);
  await runtime.close();

  const shellTool = tool(async ({ command }) => `ran ${command}`, {
    name: "shell",
    description: "Runs a shell command.",
    schema: z.object({ command: z.string() }),
  });
  const safeShell = new CapFenceTool({
    tool: shellTool,
    agentId: "demo-agent",
    capability: "shell.execute",
    policyPath: "policies/demo.yaml",
  });
  await safeShell.invoke({ command: "rm -rf /var/lib/postgresql" });
  await safeShell.close();
}

export async function disposal(): Promise<void> {
  await using runtime = ActionRuntime.fromPolicy(Policy.load("policies/demo.yaml"));
  await using shell = new CapFenceTool({ tool: {} as WrappableTool, agentId: "a", runtime });
  is<string>()(shell.name);
}

export function events(): void {
  const event = ActionEvent.create({ actor: "a", action: "x", resource: "r" });
  is<string>()(event.id);
  is<string>()(event.capability);
  is<JsonObject>()(event.payload);
  is<string | undefined>()(event.payloadProblem);
  is<Record<string, unknown>>()(event.payloadCopy());

  // A payload is what a model wrote, so it may be anything; a verdict says what it was.
  ActionEvent.create({ actor: "a", action: "x", resource: "r", payload: unknown });
  ActionEvent.create({ actor: "a", action: "x", resource: "r", environment: undefined, scope: undefined });
  ActionEvent.create({ actor: "a", action: "x", resource: "r", risk: 3 });
  ActionEvent.create(event);
  if (ActionEvent.isInstance(unknown)) is<ActionEvent>()(unknown);

  // @ts-expect-error a resource is needed
  ActionEvent.create({ actor: "a", action: "x" });
  // @ts-expect-error a misspelt field
  ActionEvent.create({ actor: "a", action: "x", resource: "r", payloads: {} });
  // @ts-expect-error an actor is text
  ActionEvent.create({ actor: 7, action: "x", resource: "r" });
  // @ts-expect-error a risk is a name or a number
  ActionEvent.create({ actor: "a", action: "x", resource: "r", risk: true });
  // @ts-expect-error context is an object
  ActionEvent.create({ actor: "a", action: "x", resource: "r", context: "admin" });
  // @ts-expect-error events are made by create
  use(new ActionEvent({ actor: "a", action: "x", resource: "r" }));
  // @ts-expect-error nothing extends an event
  class Extended extends ActionEvent {}
  use(Extended);
  // @ts-expect-error an event does not change
  event.capability = "other.thing";
  // @ts-expect-error nor does its payload
  event.payload["command"] = "rm -rf /";
}

export function plainJson(): void {
  const json: Json = { list: [1, "a", null, { deep: true }] };
  const object: JsonObject = { json };
  is<Json | undefined>()(object["json"]);
  // @ts-expect-error a Date is no JSON
  const date: Json = new Date(0);
  // @ts-expect-error undefined is no JSON
  const nothing: Json = { a: undefined };
  // @ts-expect-error JSON of ours is read-only
  object["json"] = null;
  use(date, nothing);
}

export async function runtimes(runtime: ActionRuntime, verdict: Verdict, policy: Policy): Promise<void> {
  const fields: ActionEventFields = { actor: "a", action: "x", resource: "r" };
  is<Verdict>()(await runtime.execute(fields));
  const decided: Decision = verdict;
  is<DecisionKind>()(decided.decision);
  is<RuleReference | undefined>()(verdict.rule);
  is<number>()(verdict.entry.seq);
  is<string>()(verdict.entry.hash);
  // @ts-expect-error a verdict does not change
  verdict.authorized = true;
  // @ts-expect-error nor does its entry
  verdict.entry.seq = 0;
  // @ts-expect-error a decision alone has not been recorded
  const recorded: Verdict = decided;

  const options: ActionRuntimeOptions = {
    auditLog: "./audit.db",
    audit: { payload: "none", redact: ["password"] } satisfies RecordingOptions,
    onAuditError: (error) => is<Error>()(error),
  };
  ActionRuntime.fromPolicy(policy, options);
  ActionRuntime.fromPolicy("policy.yaml", { auditLog: undefined, audit: undefined, onAuditError: undefined });
  // @ts-expect-error a misspelt option
  ActionRuntime.fromPolicy("policy.yaml", { auditlog: "./audit.db" });
  // @ts-expect-error there is no such way of recording
  ActionRuntime.fromPolicy("policy.yaml", { audit: { payload: "all" } });
  // @ts-expect-error a path or a Policy, not a document
  ActionRuntime.fromPolicy({ allow: ["*"] });
  // @ts-expect-error runtimes are made by fromPolicy
  use(new ActionRuntime(policy, {}));

  const outcome: Outcome = { status: "finished", durationMs: 12, output: unknown };
  is<OutcomeStatus>()(outcome.status);
  is<undefined>()((await runtime.recordOutcome(ActionEvent.create(fields), recorded, outcome)) as undefined);
  // @ts-expect-error there is no such end
  await runtime.recordOutcome(ActionEvent.create(fields), verdict, { status: "done", durationMs: 1 });
  // @ts-expect-error an outcome belongs to an event
  await runtime.recordOutcome(fields, verdict, outcome);
}

export function policies(): void {
  const named: PolicyParseOptions = { source: "inline" };
  const policy = Policy.parse("allow: ['*']", named);
  is<string>()(policy.digest);
  is<Decision>()(policy.evaluate(ActionEvent.create({ actor: "a", action: "x", resource: "r" })));
  // @ts-expect-error only an event is judged: fields could change meanwhile
  policy.evaluate({ actor: "a", action: "x", resource: "r" });
  // @ts-expect-error text, not a document
  Policy.parse({ allow: ["*"] });
  // @ts-expect-error policies are made by parse and load
  use(new Policy());
  // @ts-expect-error a policy does not change
  policy.digest = "";
}

export function errors(): void {
  if (AgentActionBlocked.isInstance(unknown)) {
    is<Verdict>()(unknown.verdict);
    is<"ERR_ACTION_BLOCKED">()(unknown.code);
  }
  if (PolicyLoadError.isInstance(unknown)) {
    is<readonly PolicyIssue[]>()(unknown.issues);
    is<"ERR_POLICY_INVALID">()(unknown.code);
  }
  if (AuditUnavailableError.isInstance(unknown)) {
    is<string>()(unknown.path);
    is<"ERR_AUDIT_UNAVAILABLE">()(unknown.code);
  }
  if (AuditCorruptError.isInstance(unknown)) {
    is<number | undefined>()(unknown.seq);
    is<"ERR_AUDIT_CORRUPT">()(unknown.code);
  }
  if (CapFenceError.isInstance(unknown)) is<CapFenceErrorCode>()(unknown.code);
  is<boolean>()(isActionBlocked(unknown));
  const code: CapFenceErrorCode = new AgentActionBlocked({} as Verdict).code;
  // @ts-expect-error there is no such code
  const wrong: CapFenceErrorCode = "ERR_BLOCKED";
  use(code, wrong);
  // @ts-expect-error the base class is abstract
  use(new CapFenceError("x"));
}

export function tools(inner: WrappableTool, runtime: ActionRuntime): void {
  const options: CapFenceToolOptions = { tool: inner, agentId: "a", policyPath: "policy.yaml", onBlocked: "message" };
  use(new CapFenceTool(options));
  use(new CapFenceTool({ tool: inner, agentId: "a", runtime, context: { user_role: "clerk" } }));
  // @ts-expect-error an agentId is needed
  use(new CapFenceTool({ tool: inner, runtime }));
  // @ts-expect-error a tool is needed
  use(new CapFenceTool({ agentId: "a", runtime }));
  // @ts-expect-error a function is no tool
  use(new CapFenceTool({ tool: () => "ran", agentId: "a", runtime }));
  // @ts-expect-error a misspelt option
  use(new CapFenceTool({ tool: inner, agentId: "a", runtime, capabilty: "shell.execute" }));
  // @ts-expect-error there is no such way to block
  use(new CapFenceTool({ tool: inner, agentId: "a", runtime, onBlocked: "ignore" }));
}

export function approvals(runtime: ActionRuntime, others: Omit<Approvals, "pending">): void {
  type Documented = "pending" | "standing" | "approve" | "reject" | "grant" | "revoke" | "grants" | "on";
  is<Documented>()(approvalMethod);
  // A host can have some of its own, in its tests for one.
  const own: Approvals = { ...others, pending: async () => [] };
  use(own);
  // @ts-expect-error telling listeners is for the runtime
  use(runtime.approvals.announce("id"));
}
