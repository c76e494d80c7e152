/** Conformance cases that CapFence answers otherwise, on purpose. */

const SHORTER_COVERS_ALL = "a shorter capability covers everything below it, however many segments it has";
const RISK_IS_MAPPED = "risk is any level name or finite number: what it means is for a policy to say";
const ON_A_BOUNDARY = "a path is within a directory only where one of its segments ends: /etcetera is not in /etc";
const LEAF_BY_LEAF = "expressions search every value by itself, so an anchor finds the beginning of any of them";
const EMPTY_FILE = "an empty file says nothing, and is more likely a mistake than a policy; `{}` denies everything";

/** The reason for each difference, by the case's id. */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  "h-caller-depth-027": "an infinite depth is no depth; what cannot be read is not let through",
  "h-capability-042": SHORTER_COVERS_ALL,
  "h-capability-054": "`*` is one segment wherever it stands; the policy says something and is loaded",
  "h-capability-request-020": "strings of an event are never empty; a scope is left out, not emptied",
  "h-contains-004": "what only matches after collapsing white space is a maybe, which stops",
  "h-contains-051": "what only matches after full case folding, STRASSE for straße, is a maybe, which stops",
  "h-event-028": RISK_IS_MAPPED,
  "h-event-029": RISK_IS_MAPPED,
  "h-event-046": RISK_IS_MAPPED,
  "h-event-047": RISK_IS_MAPPED,
  "h-extends-020": EMPTY_FILE,
  "h-path-029": "a path with a NUL ends there for a reader in C, so where it leads is a maybe",
  "h-path-039": ON_A_BOUNDARY,
  "h-path-040": "two slashes at the beginning are one for most readers and not for POSIX: a maybe, which stops",
  "h-precedence-006": EMPTY_FILE,
  "h-yaml-047": "anchors, aliases and merge keys are refused: a rule is read where it is written",
  "p-pack-filesystem-mcp-baseline-059":
    "what a payload claims about the context never makes a call's outcome less strict: a default deny stays one",
  "p-pack-payments-permissive-016": "an amount that is there and cannot be read, null here, is a maybe, which stops",
  "r-0146-0": ON_A_BOUNDARY,
  "r-0146-2": ON_A_BOUNDARY,
  "r-0400-1": LEAF_BY_LEAF,
  "r-0649-0": LEAF_BY_LEAF,
  "r-0649-2": LEAF_BY_LEAF,
};

/** The same, where people are asked: what is said of grants and of sequences of calls. */
export const APPROVAL_DIFFERENCES: Readonly<Record<string, string>> = {
  "h-grants-040": "every grant ends, one for a session too",
};
