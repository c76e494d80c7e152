/** What loading a policy costs beside js-yaml's own time for the same file. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { Child, medians } from "./child.ts";

/** Milliseconds for one load. */
export interface LoadTimes {
  readonly yaml: number;
  readonly policy: number;
  /** UTF-16 code units, which are bytes as the file is ASCII. */
  readonly size: number;
}

const WARM_MILLISECONDS = 1_000;

export async function compareLoading(yaml: string, directory: string): Promise<LoadTimes> {
  const file = join(directory, "policy.yaml");
  writeFileSync(file, yaml);
  const names = ["js-yaml", "capfence"];
  const children: Child[] = [];
  try {
    for (const name of names) children.push(await Child.start(name, "load.mjs", [name, file]));
    for (const child of children) await child.ask({ milliseconds: WARM_MILLISECONDS });
    const times = await medians(children.map((child) => ({ child, message: {} })));
    const [js = NaN, own = NaN] = [...times.values()];
    return { yaml: js / 1e6, policy: own / 1e6, size: yaml.length };
  } finally {
    for (const child of children) child.stop();
  }
}
