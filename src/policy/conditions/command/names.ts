/** What a program is called. */

import { HOLE, type Word } from "./word.ts";

/** Other names under which the same program is installed. */
const SAME_AS: Readonly<Record<string, string>> = {
  grm: "rm",
  srm: "rm",
  gfind: "find",
  gxargs: "xargs",
  gsed: "sed",
  gawk: "awk",
  mawk: "awk",
  nawk: "awk",
  "original-awk": "awk",
  ggrep: "grep",
  egrep: "grep",
  fgrep: "grep",
  gtimeout: "timeout",
  genv: "env",
  gnice: "nice",
  gchmod: "chmod",
  gchown: "chown",
  gcp: "cp",
  gmv: "mv",
  gls: "ls",
  ginstall: "install",
  fdfind: "fd",
  chg: "hg",
  gtar: "tar",
  bsdtar: "tar",
  nerdctl: "docker",
  podman: "docker",
  mariadb: "mysql",
  vi: "vim",
  nvim: "vim",
  view: "vim",
  ex: "vim",
};

/** The last part of the path by which a program is called; `undefined` when the text does not tell. */
export function programName({ shape, splits }: Word): string | undefined {
  const start = shape.lastIndexOf("/") + 1;
  const name = shape.slice(start);
  if (splits || name === "" || name.includes(HOLE)) return undefined;
  // Only a whole directory may be left open: `rm{,}-rf{,}/srv` are three words.
  return /[^\0/]\0|\0[^\0/]/.test(shape.slice(0, start)) ? undefined : name;
}

/** Programs that are installed with their version in their name. */
const VERSIONED = /^(python|pypy|pip|lua|ruby|perl|php|node|tclsh|gcc|g\+\+|clang|java|bash|ksh)[\d.-]+$/;

/** The name under which tables know a program: in small letters, without `.exe` and a version: `rimraf@5`. */
export function knownAs(name: string): string {
  const lower = name.toLowerCase().replace(/\.exe$|(?<=.)@[^@]*$/, "");
  const known = VERSIONED.exec(lower)?.[1] ?? lower;
  return Object.hasOwn(SAME_AS, known) ? (SAME_AS[known] ?? known) : known;
}
