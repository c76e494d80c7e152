/** The same rules in every engine, asked about the same events. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { Child, medians, type Turn } from "./child.ts";
import { KINDS, type Kind, type Scenario } from "./workload.ts";

/** What is measured, by the names of their modules in `bench/engines/`. */
const ENGINES = [
  "capfence",
  "casl",
  "opa",
  "cedar",
  "casbin",
  "cedar-each",
  "casbin-each",
  "json-rules-engine",
  "capfence-create",
  "flatten-once",
  "json-parse",
] as const;

export type EngineName = (typeof ENGINES)[number];

/** How long every engine is warmed for, and how long it stays with one kind of event. */
const WARM_MILLISECONDS = 1_000;
const WARM_SLICE = 20;

const KIND_NAMES = Object.keys(KINDS) as readonly Kind[];

/** Nanoseconds for one event of each kind. */
export type Times = Readonly<Record<Kind, number>>;

/** What one scenario gave. */
export interface Comparison {
  readonly times: ReadonlyMap<EngineName, Times>;
  /** The packages that took part, with their versions. */
  readonly versions: readonly string[];
  /** Engines whose packages are not installed, and these packages. */
  readonly missing: ReadonlyMap<EngineName, readonly string[]>;
}

type Hello =
  | { readonly versions: readonly string[]; readonly decides: boolean }
  | { readonly missing: readonly string[] };

/**
 * Starts a process for every engine that is installed, checks that all decide alike about every event, and measures them.
 *
 * @throws Error naming the engine and the event on which it differs.
 */
export async function compare(scenario: Scenario, directory: string): Promise<Comparison> {
  const file = join(directory, "scenario.json");
  writeFileSync(file, JSON.stringify(scenario));
  const children: Child[] = [];
  try {
    const missing = new Map<EngineName, readonly string[]>();
    const versions = new Set<string>();
    const running = new Map<EngineName, Child>();
    for (const name of ENGINES) {
      const child = await Child.start(name, "serve.mjs", [name, file]);
      const hello = child.hello as Hello;
      if ("missing" in hello) {
        missing.set(name, hello.missing);
        continue;
      }
      children.push(child);
      running.set(name, child);
      for (const version of hello.versions) versions.add(version);
      if (hello.decides) await checkVerdicts(child);
    }
    for (const child of children) await warm(child);
    return { times: await timesOf(running), versions: [...versions], missing };
  } finally {
    for (const child of children) child.stop();
  }
}

async function checkVerdicts(child: Child): Promise<void> {
  for (const kind of KIND_NAMES) {
    const { verdicts } = (await child.ask({ do: "verdicts", kind })) as { verdicts: readonly string[] };
    const wrong = verdicts.findIndex((verdict) => verdict !== KINDS[kind]);
    if (wrong >= 0) {
      throw new Error(`${child.name} says ${verdicts[wrong]} to event ${wrong} of "${kind}", which is ${KINDS[kind]}`);
    }
  }
}

/** Takes turns between the kinds, so that none of them alone shapes the compiled code. */
async function warm(child: Child): Promise<void> {
  const end = performance.now() + WARM_MILLISECONDS;
  do {
    for (const kind of KIND_NAMES) await child.ask({ do: "warm", kind, milliseconds: WARM_SLICE });
  } while (performance.now() < end);
}

async function timesOf(running: ReadonlyMap<EngineName, Child>): Promise<ReadonlyMap<EngineName, Times>> {
  type EngineTurn = Turn & { readonly name: EngineName; readonly kind: Kind };
  const turns: EngineTurn[] = [...running].flatMap(([name, child]) =>
    KIND_NAMES.map((kind) => ({ name, kind, child, message: { do: "slice", kind } })),
  );
  const times = new Map<EngineName, Record<Kind, number>>();
  for (const [{ name, kind }, nanoseconds] of await medians(turns)) {
    const known = times.get(name) ?? ({} as Record<Kind, number>);
    known[kind] = nanoseconds;
    times.set(name, known);
  }
  return times;
}

/** The geometric mean over the kinds, in nanoseconds. */
export function meanOf(times: Times): number {
  const logarithms = KIND_NAMES.map((kind) => Math.log(times[kind]));
  return Math.exp(logarithms.reduce((sum, each) => sum + each, 0) / logarithms.length);
}
