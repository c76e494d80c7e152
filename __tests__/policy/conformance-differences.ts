/** Conformance cases that CapFence answers otherwise, on purpose. */

const SHORTER_COVERS_ALL = "a shorter capability covers everything below it, however many segments it has";
const RISK_IS_MAPPED = "risk is any level name or finite number: what it means is for a policy to say";
const CONTEXT_IS_THE_HOSTS = "context takes any plain JSON that the host knows";

/** The reason for each difference, by the case's id. */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  "h-capability-042": SHORTER_COVERS_ALL,
  "h-capability-054": "`*` is one segment wherever it stands; the policy says something and is loaded",
  "h-capability-request-020": "strings of an event are never empty; a scope is left out, not emptied",
  "h-contains-004": "what only matches after collapsing white space is a maybe, which stops",
  "h-event-028": RISK_IS_MAPPED,
  "h-event-029": RISK_IS_MAPPED,
  "h-event-046": RISK_IS_MAPPED,
  "h-event-047": RISK_IS_MAPPED,
  "h-event-049": CONTEXT_IS_THE_HOSTS,
  "h-event-051": CONTEXT_IS_THE_HOSTS,
  "h-event-053": CONTEXT_IS_THE_HOSTS,
  "h-event-064": CONTEXT_IS_THE_HOSTS,
  "h-event-070": CONTEXT_IS_THE_HOSTS,
  "h-precedence-006": "an empty file says nothing, and is more likely a mistake than a policy; `{}` denies everything",
  "h-yaml-047": "anchors, aliases and merge keys are refused: a rule is read where it is written",
};
