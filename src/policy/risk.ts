/** The risk of an event: a level's name, whether the host gave a name, a kind of action or a number. */

import type { ActionEvent } from "../event.ts";
import type { Json } from "../snapshot.ts";

/** The levels that policies know, from the mildest to the gravest. */
export const RISK_LEVELS = ["low", "medium", "high", "critical"] as const;

/** A level that policies know. */
export type RiskLevel = (typeof RISK_LEVELS)[number];

/** Kinds of actions that may be given as a risk, and the level each stands for. */
export const RISK_OF_KIND: ReadonlyMap<string, RiskLevel> = new Map([
  ["read", "low"],
  ["read_only", "low"],
  ["write", "medium"],
  ["delete", "high"],
  ["execute", "critical"],
  ["command_execution", "critical"],
  ["payment_initiation", "critical"],
]);

/** The least number of each level, on a scale from 0 to 1; below them all is low. */
const THRESHOLDS: readonly (readonly [number, RiskLevel])[] = [
  [0.9, "critical"],
  [0.7, "high"],
  [0.4, "medium"],
];

/**
 * The event's level in lower case; `undefined` when it has none. A name counts as it is; beside a number, or without any
 * risk, the context's `risk_level` counts before it.
 */
export function riskLevelOf({ risk, context }: ActionEvent): string | undefined {
  if (typeof risk === "string") return levelNamed(risk);
  const named = Object.hasOwn(context, "risk_level") ? context["risk_level"] : undefined;
  if (typeof named === "string" && named !== "") return levelNamed(named);
  const number = risk ?? (typeof named === "number" ? named : undefined);
  return number === undefined ? undefined : levelOf(number);
}

/** The level a payload claims; `undefined` when it claims none that can be read. */
export function claimedRiskLevel(claim: Json): string | undefined {
  if (typeof claim === "number") return levelOf(claim);
  return typeof claim === "string" ? levelNamed(claim) : undefined;
}

/** Whether policies know this level. */
export function isRiskLevel(level: string): level is RiskLevel {
  return (RISK_LEVELS as readonly string[]).includes(level);
}

function levelNamed(name: string): string {
  const level = name.trim().toLowerCase();
  return RISK_OF_KIND.get(level) ?? level;
}

function levelOf(risk: number): RiskLevel {
  return THRESHOLDS.find(([least]) => risk >= least)?.[1] ?? "low";
}
