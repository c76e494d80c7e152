import { createPublicKey, verify } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { copyFile } from "node:fs/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { Workplace, type Captured } from "./captured-host.ts";
import { appendSealing, record, WALKTHROUGH } from "./recorded-calls.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

beforeAll(async () => {
  await record(place.path("audit.db"), WALKTHROUGH);
  await place.run(["keys", "generate", "--name", "tester", "--out", "signing.key"]);
});

function checkpoint(...options: readonly string[]): Promise<Captured> {
  return place.run(["checkpoint", "--key", "signing.key", ...options]);
}

/** Reads a note as C2SP signed-note says, without the code under test. */
function openNote(note: string, vkey: string): { readonly text: string; readonly verified: boolean } {
  const [, text = "", encoded = ""] = /^(.*\n)\n— tester (\S+)\n$/s.exec(note) ?? [];
  const [, , key = ""] = /^([^+]+)\+([0-9a-f]{8})\+(.+)\n$/.exec(vkey)?.slice(1) ?? [];
  const x = Buffer.from(key, "base64").subarray(1).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signature = Buffer.from(encoded, "base64").subarray(4);
  return { text, verified: verify(null, Buffer.from(text), publicKey, signature) };
}

describe("checkpoint", () => {
  it("prints a signed note of the log's identity, size and head", async () => {
    const { code, stdout, stderr } = await checkpoint();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { text, verified } = openNote(stdout, readFileSync(place.path("signing.key.pub"), "utf8"));
    expect(verified).toBe(true);
    const logs = await place.run(["logs", "--json", "--limit", "1"]);
    const { log, hash } = JSON.parse(logs.stdout) as { log: string; hash: string };
    expect(text).toBe(`capfence/${log}\n3\n${Buffer.from(hash, "hex").toString("base64")}\n`);
  });

  it("reads no more of a file than a key or a checkpoint can have", async () => {
    writeFileSync(place.path("large"), Buffer.alloc(1_048_577, "a"));
    const large = "it is larger than 1 MiB, which no key and no checkpoint is";
    for (const argv of [
      ["checkpoint", "--key", "large"],
      ["verify", "--checkpoint", "large", "--vkey", "signing.key.pub"],
      ["verify", "--checkpoint", "large", "--vkey", "large"],
    ]) {
      const { code, stdout, stderr } = await place.run(argv);
      expect({ argv, code, stdout, stderr }).toEqual({
        argv,
        code: 1,
        stdout: "",
        stderr: expect.stringContaining(large),
      });
    }
  });

  it("uses the key of this host when none is named", async () => {
    const missing = await place.run(["checkpoint"]);
    const file = place.path("home/.config/capfence/this-host.key");
    expect(missing).toEqual({
      code: 1,
      stdout: "",
      stderr: `capfence: signing key ${file}: there is no such file or directory. Make one with capfence keys generate, or name another with --key\n`,
    });
    await place.run(["keys", "generate"]);
    expect((await place.run(["checkpoint"])).stdout).toMatch(/\n— this-host \S+\n$/);
  });

  it("covers what a runtime that is still open has recorded", async () => {
    const auditLog = place.path("open.db");
    const runtime = ActionRuntime.fromPolicy(Policy.parse("allow: [shell.execute]"), { auditLog });
    await runtime.execute({ actor: "ann", action: "execute", resource: "shell", payload: {} });
    const { stdout } = await checkpoint("--audit-log", "open.db");
    await runtime.close();
    expect(stdout.split("\n")[1]).toBe("2");
  });

  it("goes to a file with --out, which has nothing beside it and can be replaced as the log grows", async () => {
    mkdirSync(place.path("elsewhere"));
    const log = place.path("grows.db");
    await record(log, WALKTHROUGH);
    for (const size of ["3", "5"]) {
      expect(await checkpoint("--audit-log", log, "--out", "elsewhere/log.checkpoint")).toEqual({
        code: 0,
        stdout: "",
        stderr: "",
      });
      expect(readFileSync(place.path("elsewhere/log.checkpoint"), "utf8").split("\n")[1]).toBe(size);
      await record(log, WALKTHROUGH);
    }
    expect(readdirSync(place.path("elsewhere"))).toEqual(["log.checkpoint"]);
  });

  it("may go to an empty file", async () => {
    writeFileSync(place.path("empty.checkpoint"), "");
    expect((await checkpoint("--out", "empty.checkpoint")).code).toBe(0);
    expect(readFileSync(place.path("empty.checkpoint"), "utf8")).toMatch(/^capfence\//);
  });
});

describe("a checkpoint is not replaced", () => {
  it.each([
    [
      "when the log was cut",
      "ends at entry 2, and once had entry 4",
      async (log: string) => await copyFile(`${log}.old`, log),
    ],
    [
      "when the log was made anew",
      "is another log",
      async (log: string) => {
        await record(`${log}.new`, [...WALKTHROUGH, ...WALKTHROUGH, ...WALKTHROUGH]);
        copyFileSync(`${log}.new`, log);
      },
    ],
    [
      "when the log went another way",
      "was made anew: it had another entry 4",
      async (log: string) => {
        copyFileSync(`${log}.old`, log);
        await record(log, [...WALKTHROUGH, ...WALKTHROUGH]);
      },
    ],
  ])("%s, exit 3", async (when, message, change) => {
    const log = place.path(`${when.replaceAll(" ", "-")}.db`);
    const out = `${log}.checkpoint`;
    await record(log, WALKTHROUGH);
    copyFileSync(log, `${log}.old`);
    await record(log, WALKTHROUGH);
    await checkpoint("--audit-log", log, "--out", out);
    const kept = readFileSync(out, "utf8");
    await change(log);
    const { code, stdout, stderr } = await checkpoint("--audit-log", log, "--out", out);
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: "",
      stderr: `capfence: ${log} ${message}. The checkpoint in ${out} stays as it is\n`,
    });
    expect(readFileSync(out, "utf8")).toBe(kept);
  });

  it("when the entry it was made of has been archived, exit 1", async () => {
    const log = place.path("archived.db");
    await appendSealing(log, ["a", "b"]);
    await checkpoint("--audit-log", log, "--out", "archived.checkpoint");
    await appendSealing(log, ["c"]);
    mkdirSync(place.path("archive"));
    for (const name of readdirSync(place.directory).filter((each) => /^archived\.db\.[0-9a-f]{8}\.0$/.test(each))) {
      renameSync(place.path(name), place.path(`archive/${name}`));
    }
    expect(await checkpoint("--audit-log", log, "--out", "archived.checkpoint")).toEqual({
      code: 1,
      stdout: "",
      stderr: `capfence: ${log} has its entry 2 elsewhere, so the two can't be compared. The checkpoint in ${place.path("archived.checkpoint")} stays as it is\n`,
    });
  });

  it.each([
    ["another key's checkpoint", async () => (await place.run(["checkpoint", "--key", "other.key"])).stdout],
    ["something that is no checkpoint", () => "shopping list\n"],
    ["the log itself", () => readFileSync(place.path("audit.db"))],
  ])("and neither is %s, exit 1", async (_, content) => {
    await place.run(["keys", "generate", "--name", "other", "--out", "other.key"]);
    const bytes = await content();
    writeFileSync(place.path("kept"), bytes);
    const { code, stderr } = await checkpoint("--out", "kept");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `capfence: ${place.path("kept")}: it is not a checkpoint that tester signed, and is not replaced. Name another file\n`,
    });
    expect(readFileSync(place.path("kept")).equals(Buffer.from(bytes))).toBe(true);
  });
});

describe("checkpoint exits 1, with one line on stderr, for", () => {
  it.each([
    ["a missing log", ["--audit-log", "missing.db"], "missing.db"],
    ["a log that is no database", ["--audit-log", "signing.key.pub"], "signing.key.pub"],
    ["a missing key", ["--key", "missing.key"], "missing.key: there is no such file or directory"],
    ["a directory as a key", ["--key", "."], "it is a directory"],
    ["a verifying key as a key", ["--key", "signing.key.pub"], "signing.key.pub: not a signing key"],
    ["a missing directory", ["--out", "missing/checkpoint"], "missing/checkpoint: there is no such file or directory"],
    ["a directory as a file", ["--out", "."], "it is a directory"],
  ])("%s", async (_, options, message) => {
    const { code, stdout, stderr } = await checkpoint(...options);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^capfence: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });

  it("an unreadable key, and never shows one", async () => {
    const key = readFileSync(place.path("signing.key"), "utf8").trimEnd();
    writeFileSync(place.path("damaged.key"), key.slice(0, -8));
    const { code, stderr } = await checkpoint("--key", "damaged.key");
    expect(code).toBe(1);
    expect(stderr).not.toContain("PRIVATE+KEY+tester");
    const given = await checkpoint("--key", key);
    expect(given).toEqual({
      code: 2,
      stdout: "",
      stderr: "capfence: option '--key <file>' was given a private key itself, which is secret no longer\n",
    });
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === "win32")("a place it may not write to", async () => {
    mkdirSync(place.path("locked"));
    chmodSync(place.path("locked"), 0o500);
    const { code, stderr } = await checkpoint("--out", "locked/checkpoint");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `capfence: ${place.path("locked/checkpoint")}: this user may not do that\n`,
    });
  });
});

it("never writes to the log", async () => {
  const before = statSync(place.path("audit.db"), { bigint: true });
  await checkpoint();
  expect(statSync(place.path("audit.db"), { bigint: true })).toMatchObject({
    mtimeNs: before.mtimeNs,
    ino: before.ino,
  });
});
