import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** A gate as one may find it: it looks at what `invoke` is given, or at what the model wrote. */
const SOME_OTHER_LIBRARY = `
export function protect(tool, { block }) {
  const invoke = tool.invoke.bind(tool);
  tool.invoke = async (input, config) => {
    if (block(input)) throw new Error("blocked");
    return await invoke(input, config);
  };
  return tool;
}
export function protectingMiddleware({ block }) {
  return {
    name: "protecting",
    wrapToolCall: async (request, handler) => {
      if (block(request.toolCall.args)) throw new Error("blocked");
      return await handler(request);
    },
  };
}
`;

/** A project with this package, as it is in the repository, and the other library. */
function project(): string {
  const place = mkdtempSync(join(tmpdir(), "capfence-page-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const modules = join(place, "node_modules");
  for (const [name, target] of [
    ["capfence/src", "src"],
    ...["@langchain/core", "langchain", "zod"].map((peer) => [peer, `node_modules/${peer}`] as const),
  ] as const) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(REPOSITORY, target), join(modules, name), "junction");
  }
  const manifest = { type: "module", exports: { "./testing": "./src/testing/index.ts" } };
  writeFileSync(join(modules, "capfence/package.json"), JSON.stringify(manifest));
  const library = join(modules, "some-other-library");
  mkdirSync(library);
  writeFileSync(join(library, "package.json"), JSON.stringify({ type: "module", exports: "./index.js" }));
  writeFileSync(join(library, "index.js"), SOME_OTHER_LIBRARY);
  return place;
}

/** How many checks there are changes with the kit. */
const uncounted = (text: string): string => text.replace(/\d+ of \d+ checks/, "N of N checks");

it("the programs on the conformance kit's page run as they are printed, against another library", async () => {
  const place = project();
  const page = readFileSync(join(REPOSITORY, "docs/conformance-kit.md"), "utf8");
  const programs = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program]) => program ?? "");
  expect(programs).toHaveLength(3);
  const printed = /^ConformanceError: (?:.*\n)+?(?= {2}…)/m.exec(page)?.[0].trimEnd().split("\n") ?? [];
  expect(printed.length).toBeGreaterThan(2);
  const errors: string[] = [];
  for (const [index, program] of programs.entries()) {
    const file = join(place, `program-${index}.mts`);
    writeFileSync(file, program);
    errors.push(await errorOf(place, file));
  }
  for (const line of printed) expect(uncounted(errors[0] ?? "")).toContain(uncounted(line));
  expect(errors[1]).toContain("a schema that decodes › one of the agent's tools, invoke: ran the tool with arguments");
  expect(errors[2]).toMatch(/^ConformanceError: \d+ of \d+ checks failed\.$/m);
});

/** What the program wrote to its standard error. */
async function errorOf(cwd: string, file: string): Promise<string> {
  return await new Promise((resolve) => {
    const argv = ["--import", import.meta.resolve("tsx"), file];
    execFile(process.execPath, argv, { cwd }, (_error, _stdout, stderr) => resolve(stderr));
  });
}
