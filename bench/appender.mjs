/** A process of its own for the benches, on the built package: appends to a log and says how long it took. */

const [, , auditLog = "", count = "0", callers = "1", warmUp = "0"] = process.argv;

const { ActionEvent, ActionRuntime } = await import("../dist/index.js");
const idle = process.memoryUsage.rss();
const started = performance.now();
const runtime = ActionRuntime.fromPolicy("policies/demo.yaml", { auditLog });
await decide();
const opened = performance.now() - started;
for (let index = 0; index < Number(warmUp); index += 1) await decide();
process.stdout.write(`${JSON.stringify({ opened, memory: process.memoryUsage.rss(), idle })}\n`);

// The parent starts all of them at once.
if (Number(count) > 0) await new Promise((resolve) => process.stdin.once("data", resolve));
await Promise.all(
  Array.from({ length: Number(callers) }, async () => {
    for (let index = 0; index < Number(count) / Number(callers); index += 1) await decide();
  }),
);
process.stdout.write("done\n");
process.stdin.destroy();
await runtime.close();

async function decide() {
  const payload = { command: "ls -la /tmp" };
  await runtime.execute(ActionEvent.create({ actor: "bench", action: "execute", resource: "shell", payload }));
}
