import { inspect } from "node:util";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import { storeAt } from "../../../src/audit/location.ts";
import { postgresTarget } from "../../../src/audit/postgres/target.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { CapFenceError } from "../../../src/errors.ts";
import { ActionRuntime, Policy } from "../../../src/index.ts";
import { Workplace } from "../../cli/captured-host.ts";
import { decision } from "../sample-log.ts";
import { logDatabase } from "../stores.ts";

const database = await logDatabase();

const PASSWORD = "h4nter-secret";

describe("a postgres URL", () => {
  it.each([
    ["postgres://db.example/app", "default", "postgres://db.example/app?log=default"],
    ["postgres://db.example/app?log=tenant-a", "tenant-a", "postgres://db.example/app?log=tenant-a"],
    ["postgresql://ann@db:6543/app?sslmode=require&log=a%2Fb", "a/b", "postgres://ann@db:6543/app?log=a%2Fb"],
    [`postgres://ann:${PASSWORD}@db/app`, "default", "postgres://ann@db/app?log=default"],
    [`postgres://db/app?password=${PASSWORD}&user=ann`, "default", "postgres://ann@db/app?log=default"],
    ["postgres://db/app?host=other&port=6543", "default", "postgres://other:6543/app?log=default"],
    ["postgres://ann:p%40ss@db/app?log=a+b%2B%C3%BC", "a b+ü", "postgres://ann@db/app?log=a%20b%2B%C3%BC"],
    [`postgres://ann:${PASSWORD}@/app?host=/run/pg`, "default", "postgres://ann@/run/pg/app?log=default"],
    [`postgres://ann:${PASSWORD}@%2Frun%2Fpg/app`, "default", "postgres://ann@%2Frun%2Fpg/app?log=default"],
    ["postgres:///app", "default", "postgres:///app?log=default"],
  ])("names a log: %s", (url, log, name) => {
    expect(postgresTarget(url)).toMatchObject({ log, name });
    expect(storeAt(url).name).toBe(name);
  });

  it.each([
    [`postgres://ann:${PASSWORD}@db:port/app`],
    [`postgres://ann:${PASSWORD}@db/%zz`],
    [`postgres://ann:${PASSWORD}@db/app?log=a&log=b`],
    [`postgres://ann:${PASSWORD}@db/app?log=`],
    [`postgres://ann:${PASSWORD}@db/app?log=a%00`],
    [`postgres://ann:${PASSWORD}@[::1/app`],
    [`postgres://ann:${PASSWORD}@/app`],
    [`postgres://ann:12#${PASSWORD}@db/app`],
    [`postgres://ann:12/${PASSWORD}@db/app`],
    [`postgres://ann:12?${PASSWORD}@db/app`],
    [`postgres://ann:${PASSWORD}@db/app?lgo=tenant-a`],
    [`postgres://db/app?password=${PASSWORD}&password=x`],
    [`postgres://ann:${PASSWORD}@one,two/app`],
    [`postgres://ann:${PASSWORD}@one:5432,two:5432/app`],
    [`postgres://ann:${PASSWORD}@/app?host=one,two`],
  ])("that means nothing is refused without being quoted: %s", (url) => {
    let thrown: unknown;
    try {
      postgresTarget(url);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TypeError);
    expect(inspect(thrown, { depth: 9, showHidden: true })).not.toContain(PASSWORD);
  });

  it("is another log's if anything in it leads elsewhere", () => {
    const urls = [
      "db/app",
      "db/app?port=6543",
      "db/app?user=ann",
      "db/app?options=-c%20role=x",
      "db/app?log=a",
      "db/b",
    ];
    const keys = urls.map((url) => postgresTarget(`postgres://${url}`).key);
    expect(new Set(keys).size).toBe(urls.length);
    expect(postgresTarget(`postgres://ann:${PASSWORD}@db/app`).key).not.toContain(PASSWORD);
  });

  it.each([
    [{ url: "postgres://db/a", pool: { connect: () => {} } }, /one of url and pool/],
    [{}, /one of url and pool/],
    [{ url: "postgres://db/a", timeout: 1 }, /auditLog: unknown option timeout/],
    [{ url: "postgres://db/a", answerTimeoutMs: 0 }, /answerTimeoutMs must be/],
    [{ url: "postgres://db/a", resolveTimeoutMs: 3_600_000 }, /resolveTimeoutMs must be/],
    [{ url: "audit.db" }, /form postgres:/],
    [{ pool: {} }, /pool must be/],
    [{ pool: { connect: 1 } }, /pool must be/],
    [[], /auditLog: options must be an object/],
    [7, /auditLog must be/],
    [null, /auditLog must be/],
  ])("is not made of %o", (location, problem) => {
    expect(() => storeAt(location as never)).toThrow(problem);
    expect(() => ActionRuntime.fromPolicy(Policy.parse("allow: [a]"), { auditLog: location as never })).toThrow(
      problem,
    );
  });
});

describe.skipIf(database === undefined)("a password that a server refuses", () => {
  it("is in nothing that is thrown or printed, from the environment neither", async () => {
    const url = new URL(database ?? "");
    const user = url.username;
    const given = [`${user}:${PASSWORD}@${url.host}`, `${user}@${url.host}`].map(
      (each) => `postgres://${each}/postgres`,
    );
    vi.stubEnv("PGPASSWORD", PASSWORD);
    onTestFinished(() => void vi.unstubAllEnvs());
    using place = new Workplace();
    for (const auditLog of given) {
      const failure: unknown = await new AuditLog(auditLog).append(decision()).catch((error: unknown) => error);
      const { stdout, stderr, code } = await place.run(["verify", "--audit-log", auditLog]);
      expect(code).toBe(1);
      expect(stderr).toContain("does not let this user in");
      expect(inspect(failure, { depth: 9, showHidden: true }) + stdout + stderr).not.toContain(PASSWORD);
    }
  });
});

describe("a password", () => {
  // Nothing listens on port 1, and no host has a name that ends in .invalid (RFC 6761).
  it.each([
    `postgres://ann:${PASSWORD}@127.0.0.1:1/app`,
    `postgres://ann:${PASSWORD}@db.invalid/app`,
    `postgres://ann:${PASSWORD}@127.0.0.1:1/app?sslrootcert=/none/of/these`,
    `postgres://ann:${PASSWORD}@127.0.0.1:1/app?sslnegotiation=none`,
    `postgres://ann:${PASSWORD}@/app?host=/none/of/these`,
    `postgres://127.0.0.1:1/app?user=ann&password=${PASSWORD}`,
  ])("is in nothing that is thrown or printed: %s", async (url) => {
    const log = new AuditLog(url);
    const failures = [
      await log.append(decision()).catch((error: unknown) => error),
      await verifyLog(url).catch((error: unknown) => error),
    ];
    for (const failure of failures) {
      expect(CapFenceError.isInstance(failure)).toBe(true);
      expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain(PASSWORD);
    }
    using place = new Workplace();
    await place.run(["keys", "generate"]);
    for (const argv of [["verify"], ["logs"], ["migrate"], ["unlock"], ["checkpoint"], ["logs", "--follow"]]) {
      const { stdout, stderr, code } = await place.run([...argv, "--audit-log", url]);
      expect(code).toBe(1);
      expect(stdout + stderr).not.toContain(PASSWORD);
      expect(stderr).toMatch(/^capfence: /);
    }
  });
});
