/** Which entries about approvals can be kept: whoever computes a hash can have written anything into their members. */

/** Levels that an entry is nested at most, itself the first, plain values the last. */
const MAX_NESTED = 100;

/** The form of a time, in which text order is the order of time. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** The members that must be text, and those that must be if they are there. */
interface Shape {
  readonly texts: readonly string[];
  readonly perhaps: readonly string[];
}

const REQUEST: Shape = {
  texts: ["id", "event", "actor", "action", "resource", "capability", "environment", "policy", "digest", "shown"],
  perhaps: ["scope", "session", "tool", "riskLevel"],
};
const GRANT: Shape = {
  texts: ["id", "actor", "capability", "environment", "by", "user"],
  perhaps: ["session", "note"],
};
const ANSWER: Shape = { texts: ["by", "user"], perhaps: ["note"] };

type Members = Readonly<Record<string, unknown>>;

/** Whether a request can be kept. */
export function isRequest(entry: object): boolean {
  const { expires, rule } = entry as Members;
  const isRule = rule === undefined || (isObject(rule) && isText(rule["id"]));
  return isTime(expires) && isRule && hasShape(entry, REQUEST);
}

/** Whether a grant can be kept. */
export function isGrant(entry: object): boolean {
  const { expires, uses } = entry as Members;
  const isCounted = uses === undefined || (Number.isSafeInteger(uses) && Number(uses) > 0);
  return isTime(expires) && isCounted && hasShape(entry, GRANT);
}

/** Whether an answer can be kept. */
export function isAnswer(entry: object): boolean {
  return hasShape(entry, ANSWER);
}

function hasShape(entry: object, { texts, perhaps }: Shape): boolean {
  const members = entry as Members;
  if (!texts.every((name) => isText(members[name]))) return false;
  return perhaps.every((name) => members[name] === undefined || isText(members[name])) && canBeCarried(entry);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTime(value: unknown): boolean {
  return isText(value) && TIME.test(value);
}

/**
 * Whether a segment entry can carry it on: nested no deeper than what we write ourselves ever is, and without what no canonical
 * JSON holds (RFC 8785, 3.2.2: a number too large for a double, half of a surrogate pair). Looks at one level after the other.
 */
function canBeCarried(entry: object): boolean {
  let level: unknown[] = [entry];
  for (let depth = 0; depth < MAX_NESTED && level.length > 0; depth += 1) {
    if (!level.every(isWritable)) return false;
    level = level.flatMap((value) => (isObject(value) ? Object.values(value) : []));
  }
  return level.length === 0;
}

function isWritable(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  return !isObject(value) || Object.keys(value).every((name) => name.isWellFormed());
}

/** Whether it has members that can be looked at, whatever these are. */
export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null;
}
