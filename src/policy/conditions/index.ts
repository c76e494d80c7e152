/** Every condition of the policy language, by its key in a rule. */

import { amountComparison } from "./amount/amount-comparison.ts";
import { amount } from "./amount/amount.ts";
import { callerDepth } from "./caller-depth.ts";
import { command } from "./command/command.ts";
import type { ConditionKind } from "./condition.ts";
import { contains } from "./contains.ts";
import { contextField, environment, riskLevel } from "./context.ts";
import { matchKeywords } from "./keywords.ts";
import { matchRegex } from "./match-regex.ts";
import { pathPrefix } from "./path/path-prefix.ts";
import { path } from "./path/path.ts";
import { payloadField, payloadFields } from "./payload-field.ts";
import { sql } from "./sql/sql.ts";
import { url } from "./url/url.ts";

/** The kinds of conditions. A new one is a file beside this one and a line here. */
export const CONDITIONS: Readonly<Record<string, ConditionKind>> = {
  contains,
  match_regex: matchRegex,
  match_keywords: matchKeywords,
  amount_gt: amountComparison("gt"),
  amount_gte: amountComparison("gte"),
  amount_lt: amountComparison("lt"),
  amount_lte: amountComparison("lte"),
  amount,
  path_prefix: pathPrefix,
  path,
  url,
  sql,
  command,
  environment,
  user_role: contextField("user_role"),
  tenant: contextField("tenant"),
  tool_name: contextField("tool_name"),
  risk_level: riskLevel,
  caller_depth_gt: callerDepth("gt"),
  caller_depth_gte: callerDepth("gte"),
  caller_depth_lt: callerDepth("lt"),
  caller_depth_lte: callerDepth("lte"),
  payload: payloadFields,
  table: payloadField("table"),
};
