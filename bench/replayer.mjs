/** A process of its own for the bench of replay, on the built package: verifies a log, or replays it under a policy. */

const [, , what, log = "", policyPath = ""] = process.argv;

// Not the package as a whole, which LangChain comes with: the command line does without.
const { Policy } = await import("../dist/policy/policy.js");
const { replay } = await import("../dist/replay/replay.js");
const { verifyLog } = await import("../dist/audit/verify.js");
const started = performance.now();
let calls = 0;
let isWhole = false;
if (what === "verify") {
  const { intact, entries } = await verifyLog(log);
  [calls, isWhole] = [entries, intact];
} else {
  const iterator = replay(log, Policy.load(policyPath));
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) {
      isWhole = value.verified.intact;
      break;
    }
    calls += 1;
  }
}
if (!isWhole) throw new Error("the log is not intact");
const ms = performance.now() - started;
// Kilobytes on Linux.
process.stdout.write(JSON.stringify({ ms, calls, memory: process.resourceUsage().maxRSS * 1024 }));
