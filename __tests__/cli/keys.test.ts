import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { beforeEach, describe, expect, it, onTestFinished } from "vitest";

import { parseSignerKey, parseVerifierKey } from "../../src/note.ts";
import { Workplace } from "./captured-host.ts";

let place = new Workplace();
beforeEach(() => {
  const own = new Workplace();
  onTestFinished(() => own[Symbol.dispose]());
  place = own;
});

const VERIFIER = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}\n$/;

describe("keys generate", () => {
  it("prints the verifying key, and keeps the other in the user's configuration", async () => {
    const { code, stdout, stderr } = await place.run(["keys", "generate"]);
    const file = place.path("home/.config/capfence/this-host.key");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `The private key is in ${file}, the verifying key above also in ${file}.pub.\n`,
    });
    expect(stdout).toMatch(VERIFIER);
    const verifier = parseVerifierKey(stdout);
    expect(readFileSync(`${file}.pub`, "utf8")).toBe(stdout);
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^PRIVATE\+KEY\+this-host\+[^\n]+\n$/);
    expect(parseSignerKey(text)).toMatchObject({ name: "this-host", id: verifier.id });
    expect(stderr).not.toContain("PRIVATE+KEY");
  });

  it.skipIf(process.platform === "win32")("makes files and a folder that nobody else can read or change", async () => {
    const former = process.umask(0);
    onTestFinished(() => void process.umask(former));
    await place.run(["keys", "generate"]);
    const folder = place.path("home/.config/capfence");
    const modes = [folder, join(folder, "this-host.key"), join(folder, "this-host.key.pub")].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o644]);
  });

  it.each([
    ["an absolute XDG_CONFIG_HOME", (): string => place.path("xdg"), "xdg/capfence/this-host.key"],
    ["a relative XDG_CONFIG_HOME, which counts as none", () => "xdg", "home/.config/capfence/this-host.key"],
    ["an empty XDG_CONFIG_HOME, which counts as none", () => "", "home/.config/capfence/this-host.key"],
  ])("puts it where it belongs with %s", async (_, folder, file) => {
    await place.run(["keys", "generate"], { env: { XDG_CONFIG_HOME: folder() } });
    expect(readFileSync(place.path(file), "utf8")).toContain("PRIVATE+KEY+");
  });

  it.each([
    ["spaces and a plus", "Ann's host +1", "Ann-s-host-1", "Ann-s-host-1.key"],
    ["an escape sequence", "a\u{1b}[2Jb", "a-2Jb", "a-2Jb.key"],
    ["other scripts", "сервер", "сервер", "------.key"],
    ["nothing", "", "capfence", "capfence.key"],
  ])("makes a name of a host name with %s", async (_, hostname, name, file) => {
    const { stdout } = await place.run(["keys", "generate"], { hostname });
    expect(stdout.split("+")[0]).toBe(name);
    expect(readdirSync(place.path("home/.config/capfence"))).toEqual([file, `${file}.pub`]);
  });

  it("takes a name, which never leads out of the folder", async () => {
    const { stdout } = await place.run(["keys", "generate", "--name", "../example.com/log"]);
    expect(stdout).toMatch(/^\.\.\/example\.com\/log\+/);
    expect(readdirSync(place.path("home/.config/capfence"))).toContain("..-example.com-log.key");
  });

  it("takes a file", async () => {
    const { code } = await place.run(["keys", "generate", "--name", "audit", "--out", "signing.key"]);
    expect(code).toBe(0);
    expect(readdirSync(place.directory)).toEqual(["signing.key", "signing.key.pub"]);
  });

  it("prints one object with --json", async () => {
    const { stdout, stderr } = await place.run(["keys", "generate", "--name", "audit", "--out", "a.key", "--json"]);
    expect(stderr).toBe("");
    expect(stdout.split("\n")).toHaveLength(2);
    expect(JSON.parse(stdout)).toEqual({
      name: "audit",
      vkey: readFileSync(place.path("a.key.pub"), "utf8").trimEnd(),
      keyFile: place.path("a.key"),
      vkeyFile: place.path("a.key.pub"),
    });
    expect(stdout).not.toContain("PRIVATE");
  });

  it("makes another key each time", async () => {
    const [first, second] = [
      await place.run(["keys", "generate", "--out", "a.key"]),
      await place.run(["keys", "generate", "--out", "b.key"]),
    ];
    expect(first.stdout).not.toBe(second.stdout);
  });
});

describe("keys generate refuses", () => {
  it.each(["", "a b", "a+b", "a\u{200b}b", "a\u{1b}[2J", "x".repeat(257)])("the name %j, exit 2", async (name) => {
    const { code, stdout, stderr } = await place.run(["keys", "generate", `--name=${name}`]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^capfence: option '--name <name>' [^\n]+ It must be a name without spaces[^\n]+\n$/);
  });

  it.each([
    ["a key", "signing.key", () => writeFileSync(place.path("signing.key"), "precious")],
    ["a verifying key", "signing.key.pub", () => writeFileSync(place.path("signing.key.pub"), "precious")],
    ["a directory", "signing.key", () => mkdirSync(place.path("signing.key"))],
    ["a link to nowhere", "signing.key", () => symlinkSync("nowhere", place.path("signing.key"))],
    ["a link to nowhere for the other", "signing.key.pub", () => symlinkSync("no", place.path("signing.key.pub"))],
  ])("to touch what is there, %s, exit 1", async (_, name, make) => {
    make();
    const { code, stdout, stderr } = await place.run(["keys", "generate", "--out", "signing.key"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(`capfence: ${place.path(name)}: it exists already\n`);
    expect(readdirSync(place.directory)).toEqual([name]);
  });

  it("the same name twice", async () => {
    const { stdout } = await place.run(["keys", "generate"]);
    expect((await place.run(["keys", "generate"])).code).toBe(1);
    expect(readFileSync(place.path("home/.config/capfence/this-host.key.pub"), "utf8")).toBe(stdout);
  });

  it("a directory that is missing", async () => {
    const { code, stderr } = await place.run(["keys", "generate", "--out", "missing/a.key"]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `capfence: ${place.path("missing/a.key")}: there is no such file or directory\n`,
    });
  });

  it.skipIf(process.getuid?.() === 0)("a directory it may not write to", async () => {
    chmodSync(place.directory, 0o500);
    const { code, stderr } = await place.run(["keys", "generate", "--out", "a.key"]);
    chmodSync(place.directory, 0o700);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `capfence: ${place.path("a.key")}: this user may not do that\n`,
    });
  });

  it("to do anything without being told what", async () => {
    const { code, stdout, stderr } = await place.run(["keys"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage: capfence keys /);
  });
});
