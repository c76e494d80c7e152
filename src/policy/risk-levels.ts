/** `risk_levels`: what a call's risk alone makes of it, where no rule denies it or asks for approval. */

import type { ActionEvent } from "../event.ts";
import { claimedRiskLevel, isRiskLevel, RISK_LEVELS, riskLevelOf, type RiskLevel } from "./risk.ts";

/** What a level does, from the mildest to the strictest. `warn` only notes it, and `allow` changes nothing. */
const RISK_ACTIONS = ["allow", "warn", "require_approval", "deny"] as const;

/** What a level does. */
export type RiskAction = (typeof RISK_ACTIONS)[number];

/** The action of every level that has one. */
export type RiskActions = Readonly<Partial<Record<RiskLevel, RiskAction>>>;

/** What an event's risk does: the level that is configured, and its action. */
export interface RiskEffect {
  readonly level: RiskLevel;
  readonly action: RiskAction;
}

/** The actions a checked `risk_levels` mapping names. */
export function readRiskActions(written: unknown): RiskActions {
  if (typeof written !== "object" || written === null) return {};
  const levels = written as Readonly<Record<string, { readonly action?: unknown } | null | undefined>>;
  return Object.fromEntries(
    RISK_LEVELS.flatMap((level) => {
      const action = levels[level]?.action;
      const known = RISK_ACTIONS.find((each) => each === (action === "block" ? "deny" : action));
      return known === undefined ? [] : [[level, known]];
    }),
  );
}

/** Both together: where both name a level, the stricter action. */
export function stricterActions(one: RiskActions, other: RiskActions): RiskActions {
  return Object.fromEntries(
    RISK_LEVELS.flatMap((level) => {
      const [left, right] = [one[level], other[level]];
      const action = left !== undefined && right !== undefined ? stricter(left, right) : (left ?? right);
      return action === undefined ? [] : [[level, action]];
    }),
  );
}

/** Decides by an event's risk. */
export class RiskRules {
  readonly actions: RiskActions;
  /** Every effect there is, one for each level that has one. */
  readonly effects: readonly RiskEffect[];
  readonly #effects: ReadonlyMap<string, RiskEffect>;
  readonly #strictest: RiskEffect | undefined;

  constructor(actions: RiskActions) {
    this.actions = actions;
    const effects = RISK_LEVELS.flatMap((level) => {
      const action = actions[level];
      return action === undefined ? [] : [Object.freeze({ level, action })];
    });
    this.effects = effects;
    this.#effects = new Map(effects.map((effect) => [effect.level, effect]));
    this.#strictest = effects.reduce<RiskEffect | undefined>(stricterEffect, undefined);
  }

  /** The effect of an event's risk. A level that policies do not know may be any, so the strictest counts. */
  effectOn(event: ActionEvent): RiskEffect | undefined {
    if (this.#strictest === undefined) return undefined;
    const level = riskLevelOf(event);
    if (level === undefined) return undefined;
    return isRiskLevel(level) ? this.#effects.get(level) : this.#strictest;
  }

  /** The effect of the risk that the payload claims, which may be stricter than that of the event's. */
  claimOf({ payload }: ActionEvent): RiskEffect | undefined {
    if (this.#strictest === undefined || !Object.hasOwn(payload, "risk_level")) return undefined;
    return this.#effects.get(claimedRiskLevel(payload["risk_level"] ?? null) ?? "");
  }
}

function stricter(left: RiskAction, right: RiskAction): RiskAction {
  return RISK_ACTIONS.indexOf(left) >= RISK_ACTIONS.indexOf(right) ? left : right;
}

function stricterEffect(left: RiskEffect | undefined, right: RiskEffect): RiskEffect {
  return left === undefined || stricter(left.action, right.action) !== left.action ? right : left;
}
