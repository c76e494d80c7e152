/** `npm run bench [-- NAME...]`: figures for the README and the notes; never part of the tests. */

import { cpus } from "node:os";

import { benchApprovals } from "./approvals.ts";
import { benchAudit } from "./audit.ts";
import { benchCommand } from "./command.ts";
import { benchLangchain } from "./langchain.ts";
import { benchPolicy } from "./policy.ts";
import { benchPostgres } from "./postgres.ts";
import { benchReplay } from "./replay.ts";
import { benchScale } from "./scale.ts";
import { benchStart } from "./start.ts";
import { benchWaits } from "./waits.ts";

const BENCHES = {
  approvals: benchApprovals,
  audit: benchAudit,
  command: benchCommand,
  langchain: benchLangchain,
  policy: benchPolicy,
  postgres: benchPostgres,
  replay: benchReplay,
  scale: benchScale,
  start: benchStart,
  waits: benchWaits,
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(", ")}. There is ${Object.keys(BENCHES).join(", ")}`);
  process.exit(2);
}
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}`);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (chosen.length === 0 || chosen.includes(name)) await bench();
}
