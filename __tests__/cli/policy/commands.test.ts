import { spawnSync } from "node:child_process";

import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { compiled } from "../../compiled.ts";
import { Workplace } from "../captured-host.ts";
import { record, WALKTHROUGH } from "../recorded-calls.ts";
import { writeFiles } from "./policy-files.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());
beforeAll(async () => {
  writeFiles(place);
  await record(place.path("audit.db"), WALKTHROUGH);
});

describe("capfence policy", () => {
  it("prints help on stderr and exits 2 without a command", async () => {
    const { code, stdout, stderr } = await place.run(["policy"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatchInlineSnapshot(`
      "Usage: capfence policy [options] [command]

      Checks, explains, tests and compares policies.

      Options:
        -h, --help                  print this help

      Commands:
        check [options] <file...>   Looks for errors in policies, and for what can hardly be meant.
        explain [options] <file>    Shows why a policy decides about a call as it does.
        test [options] <file...>    Runs the test suites of policies, and tells what they have tried.
        diff [options] <old> <new>  Shows which calls two policies decide differently.
        schema                      Prints the JSON Schema of policies, for editors.
        help [command]              print help for a command
      "
    `);
  });

  it.each(["check", "explain", "test", "diff", "schema"])(
    "%s explains itself, whatever its exit codes",
    async (name) => {
      const { code, stdout } = await place.run(["policy", name, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: capfence policy ${name} [options]`);
      expect(stdout).toContain("\nExit codes:\n  0  fine\n");
      expect(stdout.includes("\n  3  a finding: ")).toBe(name !== "schema");
    },
  );

  it("explains diff", async () => {
    const { stdout } = await place.run(["policy", "diff", "--help"]);
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: capfence policy diff [options] <old> <new>

      Decides calls under two policies, and shows which they decide differently, newly allowed ones first.

      Arguments:
        old                the policy as it was
        new                the policy as it shall be

      Options:
        --cases <file>     the calls: events in JSON, one a line, or a suite named *.yaml
        --audit-log <log>  the calls: those that an audit log has recorded
        --json             print one JSON object
        -h, --help         print this help

      An event is a JSON object: capability, or resource and action; and if you like payload, context, environment (default:
      CAPFENCE_ENVIRONMENT, else production), scope, risk, actor, sessionId. So is a line of capfence logs --json.

      Exit codes:
        0  fine
        1  could not do it
        2  wrong usage
        3  a finding: a call is newly allowed, or a policy is not valid
      "
    `);
  });

  it("suggests what was meant", async () => {
    const { code, stderr } = await place.run(["policy", "chekc", "pay.yaml"]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "capfence: unknown command 'chekc' (Did you mean check?)\n" });
  });
});

it("prints a schema that accepts what loads", async () => {
  const { code, stdout, stderr } = await place.run(["policy", "schema"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const validate = new Ajv({ strict: false }).compile(JSON.parse(stdout) as object);
  expect(validate({ allow: ["shell.execute"], deny: [{ capability: "shell", contains: "rm" }] })).toBe(true);
  expect(validate({ allow: [{ capability: "shell", contians: "rm" }] })).toBe(false);
});

describe("the real process", async () => {
  const program = await compiled("src/cli/bin.ts");
  const start = (
    argv: readonly string[],
    more: { readonly before?: readonly string[]; readonly input?: string } = {},
  ) =>
    spawnSync(process.execPath, [...(more.before ?? []), program, ...argv], {
      cwd: place.directory,
      env: { PATH: process.env["PATH"] },
      encoding: "utf8",
      input: more.input ?? "",
    });

  it("reads an event from standard input, and names files as they were typed", () => {
    const event = '{"capability":"payments.send","payload":{"amount":5}}';
    const { status, stdout, stderr } = start(["policy", "explain", "./pay.yaml", "--event", "-"], { input: event });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^allow \(policy_allow\), by allow\[0\] at \.\/pay\.yaml:10\n/);
  });

  it.each([
    [["logs"], false],
    [["--help"], false],
    [["policy", "--help"], false],
    [["policy", "check", "pay.yaml", "broken.yaml"], true],
  ])("%j loads the policy engine: %j", (argv, expected) => {
    const list = [
      'import { createRequire } from "node:module";',
      `const { cache } = createRequire(${JSON.stringify(program)});`,
      'process.on("exit", () => console.error(Object.keys(cache).some((file) => /node_modules.(?:ajv|re2js)./.test(file))));',
    ].join("\n");
    const { stderr } = start(argv, { before: ["--import", `data:text/javascript,${encodeURIComponent(list)}`] });
    expect(stderr).toBe(`${expected}\n`);
  });
});
