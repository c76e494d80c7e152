/** The policies and events that engines are compared on: made from a fixed seed, the same at every run. */

import type { DecisionKind } from "../../src/index.ts";

/** A rule with its one condition, in no engine's language. */
interface Rule {
  readonly section: DecisionKind;
  readonly capability: string;
  readonly condition: "contains" | "amount_gt" | "amount_lte" | "environment";
  readonly value: string | number;
}

/** The kinds of events, and what is decided about them. */
export const KINDS = {
  "deny by text": "deny",
  allow: "allow",
  "amount to approval": "require_approval",
  "default deny": "deny",
  "10 kB payload": "allow",
} as const satisfies Readonly<Record<string, DecisionKind>>;

export type Kind = keyof typeof KINDS;

/** What an agent asks, as `ActionEvent.create` takes it. */
interface Request {
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly capability: string;
  readonly environment: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** One policy and the events that are asked about it. */
export interface Scenario {
  readonly rules: readonly Rule[];
  /** The rules as a CapFence policy. */
  readonly yaml: string;
  readonly events: Readonly<Record<Kind, readonly Request[]>>;
}

/** Events of each kind: so many that nothing of one is left in a cache when it comes again. */
const EVENTS = 1_000;
const LIMIT = 1_000;
/** The note's length in UTF-16 code units, and how many lines the order has. */
const USUAL = { note: 120, lines: 2 };
/** 10 kB of JSON: half of it prose with line breaks, half of it a list of small objects. */
const LARGE = { note: 5_000, lines: 120 };
/** Characters on a line of the note, about. */
const LINE = 72;
/** Texts of rules that deny, of each capability. */
const TEXTS = 6;
/** Texts of the dense policy, all of one capability. */
const DENSE_TEXTS = 800;

const WORDS =
  "account Agent amount archive Balance before branch Budget customer daily Delivery entry export final forward Invoice journal ledger limit London margin meeting Monday monthly note number Office order partner Payment period Please price project quarter receipt region report request review schedule service Shipment statement status supplier table team Ticket total transfer update vendor Warehouse week".split(
    " ",
  );

/** Words that only rules have, so that no payload has what they deny by chance. */
const VERBS =
  "abolish bypass corrupt destroy discard disown embezzle erase expunge forge falsify hijack nullify obliterate overwrite purge redact revoke scrub shred sudo suppress tamper truncate unlink unmask void wipe".split(
    " ",
  );

/** `count` rules, ten for each of `count / 10` capabilities. */
export function sparseScenario(count: number): Scenario {
  const capabilities = Array.from({ length: count / 10 }, (_, index) => `service${index}.update`);
  return makeScenario(capabilities, TEXTS);
}

/** One capability that {@link DENSE_TEXTS} rules deny by a text each. */
export function denseScenario(): Scenario {
  return makeScenario(["service0.update"], DENSE_TEXTS);
}

function makeScenario(capabilities: readonly string[], texts: number): Scenario {
  const random = new Random(7);
  const denied = new Map(
    capabilities.map((capability) => [capability, Array.from({ length: texts }, (_, index) => text(random, index))]),
  );
  const rules = capabilities.flatMap((capability) => rulesOf(capability, denied.get(capability) ?? [], random));
  const eventsOf = (kind: Kind): readonly Request[] =>
    Array.from({ length: EVENTS }, (_, index) => {
      const capability = capabilities[index % capabilities.length] ?? "";
      return request(capability, payload(kind, denied.get(capability) ?? [], random));
    });
  const events = {
    "deny by text": eventsOf("deny by text"),
    allow: eventsOf("allow"),
    "amount to approval": eventsOf("amount to approval"),
    "default deny": eventsOf("default deny"),
    "10 kB payload": eventsOf("10 kB payload"),
  };
  return { rules, yaml: yamlOf(rules), events };
}

function rulesOf(capability: string, denied: readonly string[], random: Random): readonly Rule[] {
  return [
    ...denied.map((value) => ({ section: "deny", capability, condition: "contains", value }) as const),
    { section: "require_approval", capability, condition: "amount_gt", value: LIMIT },
    { section: "require_approval", capability, condition: "contains", value: text(random, 1_001) },
    { section: "allow", capability, condition: "amount_lte", value: LIMIT },
    { section: "allow", capability, condition: "environment", value: "staging" },
  ];
}

/** What is denied: two words, an option of a command, and a path by turns, no two of one capability alike. */
function text(random: Random, index: number): string {
  const verb = VERBS[index % VERBS.length] ?? "";
  const word = WORDS[(Math.floor(index / VERBS.length) + index) % WORDS.length] ?? "";
  const noun = `${random.word()} ${word}`;
  return [`${verb} ${noun}`, `${noun} --${verb}`, `/${word}/${verb}`][index % 3]?.toLowerCase() ?? "";
}

function request(capability: string, content: Readonly<Record<string, unknown>>): Request {
  const [resource = "", action = ""] = capability.split(".");
  return { actor: "assistant", action, resource, capability, environment: "production", payload: content };
}

function payload(kind: Kind, denied: readonly string[], random: Random): Readonly<Record<string, unknown>> {
  const size = kind === "10 kB payload" ? LARGE : USUAL;
  const lines = Array.from({ length: Math.ceil(size.note / LINE) }, () => random.prose(LINE));
  if (kind === "deny by text") {
    const shouted = (denied[random.whole(0, denied.length)] ?? "").replace(/^./, (first) => first.toUpperCase());
    lines.splice(random.whole(0, lines.length + 1), 0, shouted);
  }
  return {
    customer: `C-${random.whole(10_000, 99_999)}`,
    subject: random.prose(30),
    note: lines.join("\n"),
    ...(kind === "default deny" ? {} : { amount: amount(kind, random) }),
    currency: "EUR",
    lines: Array.from({ length: size.lines }, () => ({ item: random.prose(12), count: random.whole(1, 9) })),
    urgent: random.whole(0, 2) === 0,
  };
}

function amount(kind: Kind, random: Random): number {
  return kind === "amount to approval" ? random.whole(LIMIT + 1, 9_999) : random.whole(1, LIMIT);
}

function yamlOf(rules: readonly Rule[]): string {
  const sections = (["deny", "require_approval", "allow"] as const).map((section) => {
    const written = rules
      .filter((rule) => rule.section === section)
      .map(({ capability, condition, value }) => {
        return `  - capability: ${capability}\n    ${condition}: ${JSON.stringify(value)}\n`;
      });
    return `${section}:\n${written.join("")}`;
  });
  return sections.join("");
}

/** Mulberry32, by Tommy Ettinger: small, and the same everywhere. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from `from` up to `to`, which is left out. */
  whole(from: number, to: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return from + (((mixed ^ (mixed >>> 14)) >>> 0) % (to - from));
  }

  word(): string {
    return WORDS[this.whole(0, WORDS.length)] ?? "";
  }

  /** Words of at least so many characters in all. */
  prose(length: number): string {
    let prose = this.word();
    while (prose.length < length) prose += ` ${this.word()}`;
    return prose;
  }
}
