/** A process of its own for one engine: makes its policy, then answers and is timed when the parent asks. */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {"deny" | "require_approval" | "allow"} Section
 *
 * @typedef {object} Rule One rule has one condition, so that every engine has a natural way to say it.
 * @property {Section} section
 * @property {string} capability
 * @property {"contains" | "amount_gt" | "amount_lte" | "environment"} condition
 * @property {string | number} value
 *
 * @typedef {object} Request
 * @property {string} actor
 * @property {string} action
 * @property {string} resource
 * @property {string} capability
 * @property {string} environment
 * @property {Record<string, unknown>} payload
 *
 * @typedef {object} Scenario
 * @property {Rule[]} rules
 * @property {string} yaml The same rules as a CapFence policy.
 * @property {Record<string, Request[]>} events By kind.
 *
 * @typedef {object} Pool The events of one kind, in the form in which the engine takes them.
 * @property {unknown[]} items
 * @property {number} at Which comes next.
 * @property {number} batch How many to ask between two looks at the clock.
 */

const BATCH_MILLISECONDS = 0.5;

const [, , name = "", scenarioFile = ""] = process.argv;

/** @type {{ packages: string[], decides?: boolean, create: Function }} */
const engine = await import(`./${name}.mjs`);
const missing = engine.packages.filter((specifier) => !isInstalled(specifier));
if (missing.length > 0) {
  process.send?.({ missing });
  process.disconnect?.();
} else {
  await serve();
}

async function serve() {
  /** @type {Scenario} */
  const scenario = JSON.parse(readFileSync(scenarioFile, "utf8"));
  const modules = await Promise.all(
    engine.packages.filter((specifier) => !specifier.endsWith(".json")).map((specifier) => import(specifier)),
  );
  const { prepare, decide } = await engine.create(modules, scenario);
  /** @type {Map<string, Pool>} */
  const pools = new Map(
    Object.entries(scenario.events).map(([kind, events]) => [
      kind,
      { items: events.map((event) => prepare(event)), at: 0, batch: 1 },
    ]),
  );
  const first = pools.values().next().value?.items[0];
  const slice = decide(first) instanceof Promise ? asynchronousSlice(decide) : synchronousSlice(decide);

  process.on("message", async (/** @type {{ do: string, kind: string, milliseconds: number }} */ message) => {
    process.send?.(await answer(message));
  });
  process.send?.({ versions: engine.packages.map(versionOf), decides: engine.decides ?? true });

  async function answer({ do: what, kind, milliseconds }) {
    const pool = pools.get(kind);
    if (pool === undefined) throw new Error(`no events of the kind ${kind}`);
    if (what === "verdicts") {
      const verdicts = [];
      for (const item of pool.items) verdicts.push(await decide(item));
      return { verdicts };
    }
    const nanoseconds = await slice(pool, milliseconds);
    if (what === "warm") pool.batch = Math.max(1, Math.round((BATCH_MILLISECONDS * 1e6) / nanoseconds));
    return { nanoseconds };
  }
}

/** Answers nanoseconds for one decision, over a slice of about so many milliseconds. */
function synchronousSlice(decide) {
  let sink;
  return (/** @type {Pool} */ pool, milliseconds) => {
    const { items, batch } = pool;
    let { at } = pool;
    let decisions = 0;
    let elapsed = 0;
    const start = performance.now();
    while (elapsed < milliseconds) {
      for (let index = 0; index < batch; index += 1) {
        sink = decide(items[at]);
        at = at + 1 === items.length ? 0 : at + 1;
      }
      decisions += batch;
      elapsed = performance.now() - start;
    }
    if (sink === undefined) throw new Error("the engine answered nothing");
    pool.at = at;
    return (elapsed * 1e6) / decisions;
  };
}

function asynchronousSlice(decide) {
  let sink;
  return async (/** @type {Pool} */ pool, milliseconds) => {
    const { items, batch } = pool;
    let { at } = pool;
    let decisions = 0;
    let elapsed = 0;
    const start = performance.now();
    while (elapsed < milliseconds) {
      for (let index = 0; index < batch; index += 1) {
        sink = await decide(items[at]);
        at = at + 1 === items.length ? 0 : at + 1;
      }
      decisions += batch;
      elapsed = performance.now() - start;
    }
    if (sink === undefined) throw new Error("the engine answered nothing");
    pool.at = at;
    return (elapsed * 1e6) / decisions;
  };
}

function isInstalled(specifier) {
  try {
    return existsSync(fileURLToPath(import.meta.resolve(specifier)));
  } catch {
    return false;
  }
}

/** The name and version of the package that a specifier leads to. */
function versionOf(specifier) {
  let directory = dirname(fileURLToPath(import.meta.resolve(specifier)));
  for (;;) {
    const file = join(directory, "package.json");
    if (existsSync(file)) {
      const { name: named, version } = JSON.parse(readFileSync(file, "utf8"));
      // A package may have more of these files inside, without both.
      if (named !== undefined && version !== undefined) return `${named} ${version}`;
    }
    directory = dirname(directory);
  }
}
