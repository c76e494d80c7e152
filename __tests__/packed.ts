/** The packed tarball, and projects that have it installed. */

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}
export const manifest = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as Manifest;

/**
 * Packs a copy of the sources, so that neither a build nor other tests meet in the repository's `dist`, and answers the
 * tarball's path in `directory`. `npm pack` builds first, as it does for a release.
 */
export function pack(directory: string): string {
  const copy = join(directory, "copy");
  mkdirSync(copy);
  const wanted = ["src", "scripts", "tsconfig.json", "tsconfig.build.json", "package.json", "README.md", "LICENSE"];
  for (const name of [...wanted, ...manifest.files.filter((file) => file !== "dist")]) {
    cpSync(join(REPOSITORY, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, "node_modules"), join(copy, "node_modules"), "junction");
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--foreground-scripts=false", "--pack-destination", directory], {
      cwd: copy,
      encoding: "utf8",
      stdio: "pipe",
    }),
  ) as readonly { readonly filename: string }[];
  return join(directory, packed?.filename ?? "");
}

/** A new project beside the tarball, with that and `packages` installed, the way npm lays them out. */
export function project(name: string, tarball: string, packages: readonly string[]): string {
  const path = join(dirname(tarball), name);
  const modules = join(path, "node_modules");
  const installed = join(modules, "capfence");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  for (const dependency of packages) {
    mkdirSync(dirname(join(modules, dependency)), { recursive: true });
    symlinkSync(join(REPOSITORY, "node_modules", dependency), join(modules, dependency), "junction");
  }
  const program = join(installed, manifest.bin["capfence"] ?? "");
  chmodSync(program, 0o755);
  mkdirSync(join(modules, ".bin"));
  symlinkSync(program, join(modules, ".bin", "capfence"));
  return path;
}

/** Runs Node.js in `cwd`, with nothing in its environment but the PATH. */
export function node(
  cwd: string,
  ...argv: readonly string[]
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd,
    env: { PATH: process.env["PATH"] },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}
