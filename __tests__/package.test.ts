/** The packed tarball, in a project that has only what the package says it needs. */

import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ActionEvent } from "../src/event.ts";
import { Policy } from "../src/policy/policy.ts";
import { manifest, node, pack, project, REPOSITORY } from "./packed.ts";

const directory = realpathSync(mkdtempSync(join(tmpdir(), "capfence-package-")));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const README = readFileSync(join(REPOSITORY, "README.md"), "utf8");
/** The README's story of an incident, which has a log and policies of its own. */
const [INCIDENT = ""] = /^## After an incident$.*?(?=^## )/ms.exec(README) ?? [];

/** A text's code blocks in `language`, in order. */
function blocks(language: string, text: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, code]) => code ?? "");
}

/** The README's other code blocks in `language`, in order. */
function readmeBlocks(language: string): readonly string[] {
  return blocks(language, README.replace(INCIDENT, ""));
}
const [POLICY = "", LANGUAGE_EXAMPLE = ""] = readmeBlocks("yaml");
const [DECIDE = "", TOOL = ""] = readmeBlocks("ts");
const CHECKPOINTING = readmeBlocks("ts").find((code) => code.includes("checkpoints:")) ?? "";
const AGENT = readmeBlocks("ts").find((code) => code.includes("createAgent(")) ?? "";
const RENEWING = readmeBlocks("ts").find((code) => code.includes("reload()")) ?? "";
const REDACTING = readmeBlocks("ts").find((code) => code.includes("redact:")) ?? "";

const API = readFileSync(join(REPOSITORY, "docs/api.md"), "utf8");

/** What a program is to print: what the comments behind its `console.log` say. */
function saidToPrint(code: string): string {
  return [...code.matchAll(/console\.log\(.*\);? \/\/ (.*\n)/g)].map(([, printed]) => printed ?? "").join("");
}

interface Shown {
  readonly command: string;
  /** What it is said to print. */
  readonly printed: string;
}

/** The commands that are shown on a terminal, in order. */
function commandsIn(consoles: readonly string[]): readonly Shown[] {
  return consoles
    .filter((block) => block.startsWith("$ "))
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((part) => {
      const [command = "", ...printed] = part.split("\n");
      return { command, printed: printed.join("\n") };
    });
}

/** Text without what is another each time: times and keys. */
function lasting(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{3}Z)?/g, "<time>")
    .replaceAll(/\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}/g, "+<key>");
}

const CALLS = `
async function main() {
  const runtime = ActionRuntime.fromPolicy("policies/demo.yaml");
  const safe = await runtime.execute(ActionEvent.create({
    actor: "demo-agent", action: "execute", resource: "shell", environment: "production",
    payload: { command: "ls -la /tmp" },
  }));
  const dangerous = await runtime.execute(ActionEvent.create({
    actor: "demo-agent", action: "execute", resource: "shell", environment: "production",
    payload: { command: "rm -rf /var/lib/postgresql" },
  }));
  await runtime.close();
  console.log(safe.authorized, dangerous.authorized, dangerous.reason);
}
main();
`;

/** Runs what is shown, in a project that has the package; each must print what it is said to, and succeed. */
function expectShown(commands: readonly Shown[], place: string, home: string): void {
  const env = { PATH: `${join(place, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`, HOME: home };
  for (const { command, printed } of commands) {
    const script = `{ ${command.replace("npx capfence", "capfence")}; } 2>&1`;
    const { status, stdout } = spawnSync("/bin/sh", ["-c", script], { cwd: place, env, encoding: "utf8" });
    expect({ command, status, printed: lasting(stdout) }).toEqual({ command, status: 0, printed: lasting(printed) });
  }
}

function capfence(cwd: string, ...argv: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return node(cwd, join(cwd, "node_modules", ".bin", "capfence"), ...argv);
}

const python = spawnSync("python3", ["-c", "import sqlite3"]).status === 0;

describe.skipIf(process.platform === "win32")("the packed tarball", () => {
  let tarball = "";
  let home = "";
  beforeAll(() => {
    tarball = pack(directory);
    const needed = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
    home = project("stranger", tarball, needed);
    mkdirSync(join(home, "policies"));
    writeFileSync(join(home, "policies/demo.yaml"), POLICY);
    writeFileSync(join(home, "esm.mjs"), `import { ActionEvent, ActionRuntime } from "capfence";${CALLS}`);
    writeFileSync(join(home, "common.cjs"), `const { ActionEvent, ActionRuntime } = require("capfence");${CALLS}`);
  });

  it("has what a user needs and nothing of the workshop", () => {
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trimEnd().split("\n");
    expect(new Set(files.map((file) => file.split("/")[1]))).toEqual(
      new Set([
        "CHANGELOG.md",
        "DEPENDENCIES.md",
        "LICENSE",
        "README.md",
        "SECURITY.md",
        "dist",
        "docs",
        "package.json",
        "policies",
        "policy.schema.json",
        "sql",
        "tools",
      ]),
    );
    expect(files.filter((file) => file.includes("dist/") && !/\.(js|d\.ts)$/.test(file))).toEqual([]);
  });

  it("decides as the walkthrough says, and its own command shows and verifies the log", () => {
    expect(node(home, "esm.mjs")).toEqual({ status: 0, stdout: "true false policy_deny\n", stderr: "" });
    const shown = capfence(home, "logs");
    expect({ status: shown.status, stderr: shown.stderr }).toEqual({ status: 0, stderr: "" });
    expect(shown.stdout.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "2026-01-15 10:23:01")).toBe(
      [
        "timestamp            agent_id    capability     decision  reason",
        "2026-01-15 10:23:01  demo-agent  shell.execute  allow     policy_allow",
        "2026-01-15 10:23:01  demo-agent  shell.execute  deny      policy_deny",
        "",
      ].join("\n"),
    );
    const verified = capfence(home, "verify", "--audit-log", "./audit.db");
    expect({ ...verified, stdout: verified.stdout.split("\n")[0] }).toEqual({
      status: 0,
      stdout: "✓ Audit chain intact. 2 entries verified.",
      stderr: "",
    });
  });

  it.skipIf(!python)("leaves a database that Python's sqlite3 reads", () => {
    const rows = execFileSync(
      "python3",
      [
        "-c",
        "import json, sqlite3; print(json.dumps(sqlite3.connect('audit.db').execute('SELECT * FROM decisions').fetchall()))",
      ],
      { cwd: home, encoding: "utf8" },
    );
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) as unknown;
    expect(JSON.parse(rows)).toEqual([
      [time, "demo-agent", "shell.execute", "allow", "policy_allow"],
      [time, "demo-agent", "shell.execute", "deny", "policy_deny"],
    ]);
  });

  it("runs the README's walkthrough as it is written, without the optional peer", () => {
    const place = project("reader-of-the-readme", tarball, [...Object.keys(manifest.dependencies), "@langchain/core"]);
    mkdirSync(join(place, "policies"));
    writeFileSync(join(place, "policies/demo.yaml"), POLICY);
    writeFileSync(join(place, "decide.mjs"), DECIDE);
    writeFileSync(join(place, "tool.mjs"), TOOL);
    // The README's places, in here.
    const [user, anchors] = [join(place, "user"), join(place, "anchors")];
    mkdirSync(anchors);
    const here = (text: string): string => text.replaceAll("/home/you", user).replaceAll("/mnt/anchors", anchors);
    const shown = commandsIn(readmeBlocks("console").map(here));
    expect(shown.length).toBeGreaterThanOrEqual(6);
    expectShown(shown, place, user);

    const { status, stdout, stderr } = node(place, "tool.mjs");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "ran ls -la /tmp\n" });
    expect(stderr).toContain("AgentActionBlocked: Blocked: policy_deny");
    expect(capfence(place, "verify").stdout).toMatch(/^✓ Audit chain intact\. 5 entries verified\.\n/);

    const imports = 'import { ActionRuntime } from "capfence";\n';
    const decides = 'await runtime.execute({ actor: "ann", action: "execute", resource: "shell", payload: {} });\n';
    writeFileSync(join(place, "runtime.mjs"), `${here(CHECKPOINTING)}${decides}await runtime.close();\n`);
    writeFileSync(join(place, "redact.mjs"), `${imports}${REDACTING}`);
    writeFileSync(join(place, "renew.mjs"), `${imports}${RENEWING}await runtime.close();\n`);
    for (const script of ["runtime.mjs", "redact.mjs", "renew.mjs"]) {
      expect(node(place, script)).toEqual({ status: 0, stdout: "", stderr: "" });
    }
    const key = join(user, ".config/capfence/audit-2026.key.pub");
    const latest = capfence(place, "verify", "--checkpoint", join(anchors, "runtime.checkpoint"), "--vkey", key);
    expect(latest.stdout).toContain("\nAnchored to entry 6 by audit-2026; 0 entries after it.\n");
  }, 60_000);

  it("runs the README's story of an incident as it is written", () => {
    const place = project("reader-after-an-incident", tarball, [
      ...Object.keys(manifest.dependencies),
      "@langchain/core",
    ]);
    mkdirSync(join(place, "policies"));
    writeFileSync(join(place, "policies/demo.yaml"), POLICY);
    const [happened = ""] = blocks("ts", INCIDENT);
    writeFileSync(join(place, "incident.mjs"), happened);
    expect(node(place, "incident.mjs")).toEqual({ status: 0, stdout: "", stderr: "" });
    const files = blocks("yaml", INCIDENT);
    expect(files).toHaveLength(2);
    for (const text of files) writeFileSync(join(place, /^# (\S+)$/m.exec(text)?.[1] ?? ""), text);
    const shown = commandsIn(blocks("console", INCIDENT));
    expect(shown).toHaveLength(5);
    expectShown(shown, place, join(place, "user"));
    expect(capfence(place, "policy", "test", "policies/demo.yaml").status).toBe(0);
  }, 60_000);

  it("runs the README's agent, which is stopped at the refused call", () => {
    const needed = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
    const place = project("reader-with-an-agent", tarball, needed);
    mkdirSync(join(place, "policies"));
    writeFileSync(join(place, "policies/demo.yaml"), POLICY);
    const calls = ["ls -la /tmp", "rm -rf /var/lib"]
      .map((command, id) => JSON.stringify([{ name: "shell", args: { command }, id: `call-${id}` }]))
      .map((call) => `.respondWithTools(${call})`);
    const [theTool = ""] = TOOL.split("const safeShell");
    const before = [
      'import { fakeModel } from "@langchain/core/testing";',
      theTool.replace(/^import .* from "capfence";$/m, ""),
      `const model = fakeModel()${calls.join("")};`,
      'const messages = [{ role: "user", content: "Clean up." }];',
    ];
    writeFileSync(join(place, "agent.mjs"), `${before.join("\n")}\n${AGENT}await runtime.close();\n`);
    expect(node(place, "agent.mjs")).toEqual({ status: 0, stdout: "", stderr: "" });
    const shown = capfence(place, "logs").stdout.replaceAll(/^[\d-]+ [\d:]+ +/gm, "");
    expect(shown.split("\n").slice(1)).toEqual([
      "demo-agent  shell.execute  allow     policy_allow  ok",
      "demo-agent  shell.execute  deny      policy_deny   blocked",
      "",
    ]);
  });

  it("has a page on the API whose examples are TypeScript, and print what they say", () => {
    const needed = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies), "@types/node"];
    const place = project("reader-of-the-api", tarball, needed);
    const [keys, anchors] = [join(place, "user/.config/capfence"), join(place, "anchors")];
    for (const made of [keys, anchors, join(place, "policies")]) mkdirSync(made, { recursive: true });
    writeFileSync(join(place, "policies/demo.yaml"), POLICY);
    expect(API).toContain("`npx capfence keys generate --name audit-2026`");
    capfence(place, "keys", "generate", "--name", "audit-2026", "--out", join(keys, "audit-2026.key"));

    const here = (text: string): string =>
      text.replace("/home/you/.config/capfence", keys).replace("/mnt/anchors", anchors);
    const examples = blocks("ts", API).map(here);
    expect(examples.length).toBeGreaterThanOrEqual(6);
    expect(examples.filter((code) => saidToPrint(code) === "")).toEqual([]);
    for (const [index, code] of examples.entries()) {
      for (const extension of ["mts", "mjs"]) writeFileSync(join(place, `${index}.${extension}`), code);
    }
    writeFileSync(join(place, "all.mjs"), examples.map((_, index) => `await import("./${index}.mjs");\n`).join(""));
    expect(node(place, "all.mjs")).toEqual({ status: 0, stdout: examples.map(saidToPrint).join(""), stderr: "" });

    const compilerOptions = { target: "es2023", module: "nodenext", strict: true, noUncheckedIndexedAccess: true };
    const only = { exactOptionalPropertyTypes: true, skipLibCheck: true, noEmit: true, types: ["node"] };
    const config = {
      compilerOptions: { ...compilerOptions, ...only },
      files: examples.map((_, index) => `${index}.mts`),
    };
    writeFileSync(join(place, "tsconfig.json"), JSON.stringify(config));
    const { status, stdout } = node(place, join(REPOSITORY, "node_modules/typescript/bin/tsc"), "--project", place);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  }, 60_000);

  it("has a page on the API that names each value its entry points export, and no other", () => {
    const installed = join(home, "node_modules/capfence");
    const lines = Object.values(manifest.exports)
      .flatMap((entry) =>
        typeof entry === "string" ? [] : readFileSync(join(installed, entry.types), "utf8").split("\n"),
      )
      .filter((line) => line.startsWith("export") && !line.startsWith("export type { "));
    const values = lines.map((line) => /^export \{ (\w+) \} from /.exec(line)?.[1] ?? line);
    expect(values).toContain("expectGated");
    const named = [...API.matchAll(/\*\*`(?:new )?(\w+)/g)].map(([, name]) => name);
    // Methods are named by what one has: a policy, a runtime.
    expect(new Set(named)).toEqual(new Set([...values, "policy", "runtime"]));
  });

  it("has a README whose example of the policy language is a policy", () => {
    const policy = Policy.parse(LANGUAGE_EXAMPLE);
    const decide = (capability: string, command: string, environment: string): string =>
      policy.evaluate(
        ActionEvent.create({ actor: "a", action: "x", resource: "y", capability, environment, payload: { command } }),
      ).reason;
    expect(decide("shell.execute", "ls", "production")).toBe("policy_allow");
    expect(decide("shell.execute", "rm  -rf /", "production")).toBe("policy_deny");
    expect(decide("payments.refund", "", "production")).toBe("policy_deny");
    expect(decide("files.read", "", "staging")).toBe("policy_allow");
    expect(decide("files.read", "", "production")).toBe("policy_default_deny");
    expect(decide("email.send", "", "production")).toBe("approval_required");
  });

  it("has its policies where the page on the language says they are", () => {
    const page = readFileSync(join(REPOSITORY, "docs/policy.md"), "utf8");
    const [mine = ""] = blocks("yaml", page).filter((text) => text.includes("node_modules/capfence/policies"));
    const [loading = ""] = blocks("ts", page).filter((text) => text.includes("capfence/policies"));
    writeFileSync(join(home, "policies/mine.yaml"), mine);
    const explain = ["policy", "explain", "policies/mine.yaml", "--capability", "shell.execute", "--payload"];
    const explained = (command: string): string =>
      capfence(home, ...explain, JSON.stringify({ command })).stdout.split("\n")[0] ?? "";
    expect(explained("git push")).toBe("deny (policy_deny), by deny[0] at policies/mine.yaml:4");
    expect(explained("git status")).toMatch(/^allow .* at node_modules\/capfence\/policies\/shell\.yaml:\d+$/);

    const digest = Policy.load(join(REPOSITORY, "policies/shell.yaml")).digest;
    writeFileSync(join(home, "shipped.mjs"), `${loading}console.log(policy.digest);\n`);
    expect(node(home, "shipped.mjs")).toEqual({ status: 0, stdout: `${digest}\n`, stderr: "" });
    const resolving = 'console.log(require.resolve("capfence/policies/payments.yaml"));\n';
    writeFileSync(join(home, "resolve.cjs"), resolving);
    const found = `${join(home, "node_modules/capfence/policies/payments.yaml")}\n`;
    expect(node(home, "resolve.cjs")).toEqual({ status: 0, stdout: found, stderr: "" });
  });

  it("can be required from CommonJS", () => {
    // Node 20 marks require() of an ES module as experimental on stderr; Node 22.12 does not.
    const { status, stdout } = node(home, "common.cjs");
    expect({ status, stdout }).toEqual({ status: 0, stdout: "true false policy_deny\n" });
    expect(capfence(home, "verify").stdout).toMatch(/^✓ Audit chain intact\. 4 entries verified\.\n/);
  });

  it("loads only what a command uses: neither the policy engine nor LangChain for logs and verify", () => {
    const place = project("reader", tarball, ["commander", "picocolors"]);
    expect(capfence(place, "--version").status).toBe(0);
    for (const needed of ["sql.js", "canonicalize"]) {
      symlinkSync(join(REPOSITORY, "node_modules", needed), join(place, "node_modules", needed), "junction");
    }
    cpSync(join(home, "audit.db"), join(place, "audit.db"));
    expect(capfence(place, "logs").status).toBe(0);
    expect(capfence(place, "verify").status).toBe(0);
  });
});
