/** `capfence approvals`: what waits for a person, and on request all that was ever asked, answered and granted. */

import type { ApprovalRequest, OpenItems } from "../../approval.ts";
import { counts, type ApproverKeys, type Signable } from "../../approvals/signature.ts";
import { standingOf } from "../../approvals/standing.ts";
import type { StoredEntry } from "../../audit/format/entry.ts";
import { OpenItemsRegister } from "../../audit/open-items/open-items.ts";
import { readOpenItems } from "../../audit/open-items/read-open-items.ts";
import { readEntries } from "../../audit/read.ts";
import { inForce, shownGrant, withPayloads } from "../../runtime/approvals.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";
import { readVerifier } from "../key-files.ts";
import { auditLogPath } from "../log-path.ts";
import { Table } from "../table.ts";
import { jsonLine, unmistakable } from "../terminal.ts";
import { formatDuration, formatTime } from "../time.ts";
import { jsonOnOneLine } from "../shown-json.ts";

/** The options of `capfence approvals`. */
export interface ApprovalsOptions {
  readonly auditLog?: string;
  readonly vkey?: readonly string[];
  readonly all?: true;
  readonly json?: true;
}

/** Where what would run is cut in a table; it is cut before, and says its length. */
const MAX_SHOWN = 240;

/**
 * Lists. Never writes.
 *
 * @throws AuditUnavailableError, AuditCorruptError when the log can't be read.
 * @throws CommandFailure when a key can't be read.
 */
export async function approvals(options: ApprovalsOptions, host: Host): Promise<ExitCode> {
  const location = auditLogPath(options.auditLog, host);
  const keys = options.vkey?.map((value) => readVerifier(value, host));
  if (options.all === true) await printHistory(location, keys, options.json === true, host);
  else await printPending(location, keys, options.json === true, host);
  return EXIT.ok;
}

async function printPending(location: string, keys: ApproverKeys, json: boolean, host: Host): Promise<void> {
  const entries = () => readEntries(location, "latest first");
  const { log, open } = await readOpenItems(entries(), location);
  const ts = new Date(host.now()).toISOString();
  const waiting = [...open.requests.values()].filter(
    (request) => standingOf(request, { log, ts }, keys).status === "pending",
  );
  const ignored = new Map(waiting.map(({ entry, answers }) => [entry.id, answers.length]));
  const shown = await withPayloads({ entries }, waiting);
  const grants = inForce(open, ts).filter(({ entry }) => counts({ grant: entry }, log, keys));
  if (json) {
    for (const each of shown) host.stdout.write(jsonLine({ ...each, unsignedAnswers: ignored.get(each.id) ?? 0 }));
    for (const each of grants) host.stdout.write(jsonLine({ ...shownGrant(each), kind: "grant" }));
    return;
  }
  const table = new Table(["id", "age", "expires in", "agent", "capability", "would run"], undefined, MAX_SHOWN);
  const rows = shown.map(({ id, requested, expires, actor, capability, payload, isAltered }) => {
    const count = ignored.get(id) ?? 0;
    const unsigned = count === 0 ? "" : ` (${count} unsigned answer${count === 1 ? "" : "s"} ignored)`;
    const missing = isAltered === true ? "(altered in the log)" : "(not recorded here)";
    const run = payload === undefined ? missing : jsonOnOneLine(payload);
    const age = formatDuration(host.now() - Date.parse(requested));
    const left = formatDuration(Date.parse(expires) - host.now());
    return [...[id, age, left, actor, capability].map(unmistakable), `${run}${unsigned}`];
  });
  host.stdout.write(table.lines(rows));
  if (grants.length === 0) return;
  const standing = new Table(["grant", "expires in", "agent", "capability", "environment", "session", "left", "by"]);
  host.stdout.write("\n");
  host.stdout.write(standing.lines(grants.map((each) => grantCells(shownGrant(each), host.now()))));
}

function grantCells(grant: ReturnType<typeof shownGrant>, now: number): string[] {
  const { id, agent, capability, environment, session = "*", left, expires, by } = grant;
  const time = formatDuration(Date.parse(expires) - now);
  return [id, time, agent, capability, environment, session, left === undefined ? "-" : String(left), by].map(
    unmistakable,
  );
}

/** Every entry about approvals, oldest first, and whether it counted when it was recorded. */
async function printHistory(location: string, keys: ApproverKeys, json: boolean, host: Host): Promise<void> {
  const register = new OpenItemsRegister();
  const rows: string[][] = [];
  for await (const stored of readEntries(location)) {
    const ignored = ignoredBecause(register, stored, keys);
    const { entry, seq, hash } = stored;
    if (entry.kind !== "approval" && entry.kind !== "grant") continue;
    if (json) host.stdout.write(jsonLine({ ...entry, seq, hash, ...(ignored !== undefined && { ignored }) }));
    else rows.push(historyCells(stored, ignored));
  }
  const table = new Table(["timestamp", "id", "status", "by", "what"], undefined, MAX_SHOWN);
  if (!json) host.stdout.write(table.lines(rows));
}

/** Why an entry does not count, if it does not. */
function ignoredBecause(
  register: OpenItemsRegister,
  { hash, entry }: StoredEntry,
  keys: ApproverKeys,
): string | undefined {
  if (entry.kind === "segment" && isEmpty(register)) resume(register, entry.open);
  const problem = register.apply(hash, entry);
  if (problem !== undefined) return problem;
  const signable = signableOf(entry, register);
  return signable && !counts(signable, entry.log, keys) ? "not signed by a key that counts" : undefined;
}

/** What a signature of this entry is over; `undefined` for an entry that needs none. */
function signableOf(entry: StoredEntry["entry"], { requests }: OpenItems): Signable | undefined {
  if (entry.kind === "grant") return entry.status === "granted" ? { grant: entry } : undefined;
  if (entry.kind !== "approval" || (entry.status !== "approved" && entry.status !== "rejected")) return undefined;
  const request = requests.get(entry.id)?.entry;
  return request && { answer: entry, request };
}

function historyCells({ entry }: StoredEntry, ignored: string | undefined): string[] {
  if (entry.kind !== "approval" && entry.kind !== "grant") return [];
  const by = "by" in entry ? entry.by : undefined;
  const what = ignored === undefined ? whatOf(entry) : `ignored: ${ignored}`;
  return [...[formatTime(entry.ts), entry.id, entry.status, by ?? "-"].map(unmistakable), what];
}

function whatOf(entry: StoredEntry["entry"]): string {
  if (entry.kind === "approval" && entry.status === "requested") return requestText(entry);
  if (entry.kind === "approval" && entry.status === "refused")
    return `${unmistakable(entry.attempt)}: ${unmistakable(entry.problem)}`;
  if (entry.kind === "grant" && entry.status === "granted") {
    const [actor, capability, environment, expires] = [
      entry.actor,
      entry.capability,
      entry.environment,
      formatTime(entry.expires),
    ].map(unmistakable);
    return `${actor} ${capability} in ${environment} until ${expires}`;
  }
  return "note" in entry && entry.note !== undefined ? unmistakable(entry.note) : "";
}

function requestText({ actor, capability, payload }: ApprovalRequest): string {
  return `${unmistakable(actor)} ${unmistakable(capability)} ${payload === undefined ? "" : jsonOnOneLine(payload)}`;
}

function isEmpty({ requests, grants, ended }: OpenItems): boolean {
  return requests.size + grants.size + ended.size === 0;
}

/** A log whose beginning is elsewhere begins with what is carried on, if that can be. */
function resume(register: OpenItemsRegister, carried: unknown): void {
  const { requests = [], grants = [], ended = [] } = OpenItemsRegister.resume(carried) ?? {};
  for (const [id, each] of requests) register.requests.set(id, each);
  for (const [id, each] of grants) register.grants.set(id, each);
  for (const [id, each] of ended) register.ended.set(id, each);
}
