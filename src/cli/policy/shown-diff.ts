/** What `capfence policy diff` shows. */

import type { Decision } from "../../event.ts";
import { count } from "../count.ts";
import type { Host } from "../host.ts";
import { Table } from "../table.ts";
import { coloursFor } from "../terminal.ts";
import type { Difference } from "./compare.ts";
import type { Transition } from "./transitions.ts";

const HEADER = ["call", "agent_id", "capability", "environment", "old", "new", "payload"] as const;

/** Calls shown of one group; `--json` has them all. */
const MAX_SHOWN = 20;

/** Where payloads are cut. */
const MAX_PAYLOAD = 120;

/** The groups as tables, then the counts. */
export function describeDiff(difference: Difference, host: Host): string {
  const { calls, unchanged, newlyAllowed, notFullyRecorded, refusedByHost, transitions } = difference;
  const { red, green, yellow } = coloursFor(host);
  const changed = transitions.reduce((sum, each) => sum + each.calls.length, 0);
  const summary = `${count(calls, "call")}: ${changed} decided differently, ${unchanged} alike`;
  const notes = [
    ...(notFullyRecorded === 0
      ? []
      : [yellow(`${notFullyRecorded} not fully recorded: what would be decided about them is not known.`)]),
    ...(refusedByHost === 0 ? [] : [`${refusedByHost} refused by the host, before any policy was asked.`]),
    newlyAllowed === 0 ? green("✓ Nothing is newly allowed.") : red(`✗ ${newlyAllowed} newly allowed.`),
  ];
  const parts = transitions.map((each) => `${describeTransition(each, { red, yellow })}\n`);
  return `${parts.join("")}${[`${summary}.`, ...notes].join("\n")}\n`;
}

function describeTransition(
  { from, to, calls }: Transition,
  { red, yellow }: Record<"red" | "yellow", (text: string) => string>,
): string {
  const isLess = to === "allow" ? red : from === "deny" ? yellow : String;
  const title = isLess(`${from} → ${to}: ${count(calls.length, "call")}`);
  const rows = calls
    .slice(0, MAX_SHOWN)
    .map((call) => [
      call.name,
      call.actor,
      call.capability,
      call.environment,
      decider(call.old),
      decider(call.new),
      JSON.stringify(call.payload),
    ]);
  const untold = calls.length - rows.length;
  const more = untold === 0 ? "" : `and ${untold} more; --json shows all\n`;
  return `${title}\n${new Table(HEADER, undefined, MAX_PAYLOAD).lines(rows)}${more}`;
}

/** What decided: a rule, or the reason where none did. */
function decider({ rule, riskLevel, reason }: Decision): string {
  return rule?.id ?? (riskLevel === undefined ? reason : `risk level ${riskLevel.level}`);
}
