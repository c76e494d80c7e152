/** What is known of programs: what their options mean, which take a value, run something or write a file. */

import { DATA_ONLY } from "./data-only.ts";
import { GIT } from "./git-options.ts";
import type { ProgramKnowledge } from "./knowledge.ts";

const ALL_TEXT = Number.POSITIVE_INFINITY;

/** Programs that take their arguments as data, besides those of the table below. */
const TAKE_DATA: ReadonlySet<string> = new Set(DATA_ONLY);

/** With `-c` it reads the files that a file names. */
const CHECKSUM: ProgramKnowledge = { switches: "-b -t -z --binary --text --tag --zero", runs: "-c --check" };

const COMPILER: ProgramKnowledge = {
  runs: "-wrapper -fplugin -fpass-plugin -specs -B -Xclang -fuse-ld --ld-path --config",
  writes: "-o",
  words: true,
};

const HG = "--config -e --ssh --remotecmd";

/** By name, or by name and subcommand. */
const PROGRAMS: Readonly<Record<string, ProgramKnowledge>> = {
  rm: {
    meanings: {
      recursive: "-r -R --recursive",
      force: "-f --force",
      interactive: "-i -I --interactive",
      dir: "-d --dir",
      verbose: "-v --verbose",
    },
    switches: "--preserve-root --no-preserve-root --one-file-system --help --version",
  },
  rmdir: { meanings: { parents: "-p --parents", verbose: "-v --verbose" }, switches: "--ignore-fail-on-non-empty" },
  chmod: {
    meanings: { recursive: "-R --recursive", verbose: "-v --verbose", quiet: "-f --silent --quiet" },
    values: "--reference",
    text: 1,
  },
  chown: {
    meanings: { recursive: "-R --recursive", verbose: "-v --verbose", dereference: "-h --no-dereference" },
    values: "--from --reference",
    text: 1,
  },
  chgrp: { meanings: { recursive: "-R --recursive", verbose: "-v --verbose" }, values: "--reference", text: 1 },
  cp: {
    meanings: {
      recursive: "-r -R -a --recursive --archive",
      force: "-f --force",
      archive: "-a --archive",
      no_clobber: "-n --no-clobber",
      interactive: "-i --interactive",
      verbose: "-v --verbose",
    },
    values: "-t --target-directory -S --suffix --sparse --reflink --preserve --no-preserve --backup",
  },
  mv: {
    meanings: {
      force: "-f --force",
      no_clobber: "-n --no-clobber",
      interactive: "-i --interactive",
      verbose: "-v --verbose",
    },
    values: "-t --target-directory -S --suffix --backup",
  },
  install: {
    values: "-m -o -g -t -S --mode --owner --group --target-directory --suffix",
    runs: "--strip-program",
  },
  ln: { meanings: { symbolic: "-s --symbolic", force: "-f --force" }, values: "-t -S" },
  mkdir: { meanings: { parents: "-p --parents", verbose: "-v --verbose" }, values: "-m --mode" },
  ls: {
    meanings: {
      all: "-a --all",
      almost_all: "-A --almost-all",
      long: "-l",
      recursive: "-R --recursive",
      human: "-h --human-readable",
      reverse: "-r --reverse",
      by_time: "-t",
      by_size: "-S",
      directory: "-d --directory",
    },
    values: "-I -w -T --ignore --hide --width --tabsize --time-style --block-size",
    switches: "-1 -F -i -s -g -o -n -p -q -x -m -c -u -k -X -G",
  },
  grep: {
    meanings: {
      recursive: "-r -R --recursive --dereference-recursive",
      ignore_case: "-i --ignore-case",
      number: "-n --line-number",
      invert: "-v --invert-match",
      count: "-c --count",
      files: "-l --files-with-matches",
      quiet: "-q --quiet --silent",
      extended: "-E --extended-regexp",
      fixed: "-F --fixed-strings",
      word: "-w --word-regexp",
    },
    values:
      "-e -f -m -A -B -C -d -D --regexp --file --max-count --after-context --before-context --context --include --exclude --exclude-dir --exclude-from --label --color --binary-files",
    switches:
      "-o -s -h -H -L -x -a -I -z -Z -P -G -b -T -y -U -V -u --only-matching --no-messages --no-filename --with-filename --null --text",
    text: 1,
    pattern: "-e -f --regexp --file",
  },
  rg: {
    meanings: { ignore_case: "-i --ignore-case", number: "-n --line-number", hidden: "-. --hidden" },
    values:
      "-e -f -g -t -T -m -A -B -C -r -j -M -d --regexp --file --glob --type --type-not --max-count --max-depth --sort",
    switches: "-l -c -v -w -F -S -s -u -o -p -H -N -0 --files --no-ignore --json",
    runs: "--pre --hostname-bin -z --search-zip",
    text: 1,
    pattern: "-e -f --regexp --file --files",
  },
  sort: {
    meanings: { reverse: "-r --reverse", numeric: "-n --numeric-sort", unique: "-u --unique" },
    values: "-k -t -S -T --key --field-separator --buffer-size --temporary-directory --parallel --sort",
    switches: "-b -d -f -g -h -i -M -R -V -c -C -m -s -z",
    runs: "--compress-program --files0-from",
    writes: "-o --output",
  },
  head: {
    meanings: { lines: "-n --lines", bytes: "-c --bytes" },
    values: "-n -c --lines --bytes",
    switches: "-q -v -z",
  },
  tail: {
    meanings: { lines: "-n --lines", bytes: "-c --bytes", follow: "-f -F --follow" },
    values: "-n -c -s --lines --bytes --pid --sleep-interval --max-unchanged-stats",
    switches: "-q -v -z -r --retry",
  },
  md5sum: CHECKSUM,
  sha1sum: CHECKSUM,
  sha224sum: CHECKSUM,
  sha256sum: CHECKSUM,
  sha384sum: CHECKSUM,
  sha512sum: CHECKSUM,
  cut: { values: "-b -c -d -f --bytes --characters --delimiter --fields --output-delimiter", switches: "-n -s -z" },
  wc: { runs: "--files0-from", switches: "-c -m -l -L -w" },
  du: {
    values: "-d -B -t -X --max-depth --exclude --block-size --threshold",
    runs: "--files0-from",
    switches: "-a -b -c -h -k -m -s -x -L -P -0",
  },
  tree: {
    values: "-L -P -I -H -T --filelimit --charset --sort --timefmt --fromfile",
    switches: "-a -d -f -i -s -h -D -F -C -n -N -r -t -J -X --noreport --dirsfirst",
    writes: "-o --output",
  },
  split: { values: "-a -b -l -n -C --lines --bytes --number", runs: "--filter" },
  diff: {
    meanings: { recursive: "-r --recursive", brief: "-q --brief", unified: "-u -U --unified" },
    values: "-U -C -x -X -I -F -W --exclude --exclude-from --to-file --from-file --label --color --context",
    switches: "-a -b -B -c -d -E -i -l -n -N -p -s -t -T -w -y",
    writes: "--output",
  },
  tar: {
    meanings: {
      extract: "-x --extract --get",
      create: "-c --create",
      list: "-t --list",
      file: "-f --file",
      gzip: "-z --gzip",
      verbose: "-v --verbose",
    },
    values:
      "-f -C -b -g -K -N -T -X -H -V --file --directory --exclude --files-from --exclude-from --transform --owner --group --mode",
    runs: "--checkpoint-action -I --use-compress-program --to-command -F --info-script --new-volume-script --rmt-command --rsh-command",
  },
  zip: { meanings: { recursive: "-r --recurse-paths" }, runs: "-TT --unzip-command" },
  unzip: {},
  rsync: {
    meanings: {
      recursive: "-r -a --recursive --archive",
      delete:
        "--delete --delete-before --delete-during --delete-delay --delete-after --delete-excluded --del --delete-missing-args",
      archive: "-a --archive",
      dry_run: "-n --dry-run",
    },
    values:
      "-f -B -T -M --exclude --include --filter --exclude-from --include-from --files-from --log-file --port --backup-dir",
    runs: "-e --rsh --rsync-path",
  },
  scp: { meanings: { recursive: "-r" }, values: "-P -i -l -c -J", runs: "-S -o -F -D" },
  sftp: { values: "-P -i -l -c -J", runs: "-S -o -F -b -D" },
  curl: {
    meanings: {
      data: "-d --data --data-raw --data-binary --data-urlencode --json",
      upload: "-T --upload-file",
      form: "-F --form",
      request: "-X --request",
      output: "-o --output -O --remote-name",
      location: "-L --location",
      silent: "-s --silent",
    },
    values:
      "-A -b -d -e -F -H -m -r -t -T -u -U -w -x -X -y -Y -z -C -E -P -Q --data --data-raw --data-binary --data-urlencode --json --header --user --user-agent --url --max-time --connect-timeout --retry --proxy --request --form --upload-file --cacert --cert --key --cookie --referer --resolve --range --write-out --limit-rate --interface",
    switches: "-# -0 -1 -2 -3 -4 -6 -f -g -i -I -k -l -L -n -N -p -q -R -s -S -v -V -Z -a -B -G -j -J",
    runs: "-K --config --engine",
    writes:
      "-o --output -O --remote-name -c --cookie-jar -D --dump-header --trace --trace-ascii --output-dir --stderr --libcurl --etag-save --hsts --alt-svc",
    text: ALL_TEXT,
  },
  wget: {
    meanings: { output: "-O --output-document", recursive: "-r --recursive", post: "--post-data --post-file" },
    values:
      "-i -U -T -t -w -l -A -R -D -e --header --user --password --post-data --post-file --timeout --tries --method --body-data --body-file",
    runs: "--use-askpass -e --execute --config",
    writes: "-O --output-document -o --output-file -a --append-output -P --directory-prefix",
  },
  docker: {
    meanings: { force: "-f --force", all: "-a --all", volumes: "-v --volumes" },
    globals: "-H --host -l --log-level --config -c --context --tlscacert --tlscert --tlskey",
    values: "-f --filter --format -n --tail --since --until -t --tag --file --build-arg --target --network --name",
  },
  kubectl: {
    meanings: { all: "--all", all_namespaces: "-A --all-namespaces", force: "--force", filename: "-f --filename" },
    globals:
      "-n --namespace --context --cluster --kubeconfig -s --server --user --token --as --as-group --request-timeout -v --cache-dir",
    values:
      "-n --namespace -l --selector -o --output -f --filename -c --container --field-selector --context --kubeconfig",
  },
  helm: { runsArguments: true, globals: "-n --namespace --kube-context --kubeconfig", runs: "--post-renderer" },
  npm: {
    meanings: { global: "-g --global", force: "-f --force" },
    globals: "--prefix -w --workspace --loglevel --registry --userconfig --cache -C",
    runs: "--script-shell --node-options --git --shell --viewer --editor --browser",
  },
  pnpm: { globals: "-C --dir -F --filter", runs: "--script-shell -c --shell-mode" },
  yarn: { globals: "--cwd", runs: "--script-shell --use-yarnrc" },
  cargo: { runsArguments: true, globals: "--manifest-path -C --color -Z", runs: "--config" },
  go: {
    runsArguments: true,
    runs: "-exec --exec -toolexec --toolexec -vettool --vettool -overlay --overlay",
    words: true,
  },
  terraform: {
    meanings: { auto_approve: "-auto-approve --auto-approve", destroy: "-destroy --destroy", force: "-force --force" },
    globals: "-chdir",
    words: true,
  },
  aws: {
    meanings: { recursive: "--recursive", force: "--force", delete: "--delete" },
    globals: "--profile --region --output --endpoint-url --query --ca-bundle",
  },
  gcloud: { meanings: { quiet: "-q --quiet" }, globals: "--project --account --configuration --format --verbosity" },
  gh: { runsArguments: true, globals: "-R --repo", text: ALL_TEXT },
  systemctl: { meanings: { force: "-f --force", now: "--now" }, globals: "-H --host -M --machine -t --type -n" },
  psql: {
    meanings: { command: "-c --command", file: "-f --file" },
    values: "-c -d -F -h -p -P -R -T -U -v --command --dbname --host --port --username --set --variable",
    switches: "-a -A -b -e -E -H -l -n -q -S -s -t -V -w -W -x -X -z -0 -1",
    runs: "-f --file",
    writes: "-o --output -L --log-file",
    text: ALL_TEXT,
  },
  mysql: {
    meanings: { execute: "-e --execute" },
    values: "-e -h -P -u -D --execute --host --port --user --database",
    writes: "--tee",
    runs: "--pager",
    text: ALL_TEXT,
  },
  sqlite3: { runs: "-init --init", words: true, text: ALL_TEXT },
  jq: {
    switches: "-r -c -e -s -S -C -M -a -n -j --raw-output --compact-output",
    values: "--indent",
    runs: "-f --from-file -L",
    text: 1,
    pattern: "--args",
  },
  yq: {
    meanings: { in_place: "-i --inplace -y" },
    writes: "-i --inplace",
    runs: "--from-file -s --split-exp",
    text: 1,
  },
  sed: {
    meanings: { in_place: "-i --in-place", quiet: "-n --quiet --silent", extended: "-E -r --regexp-extended" },
    values: "-e -l --expression --line-length",
    switches: "-s -u -z --posix --sandbox --debug --null-data --separate --unbuffered",
    runs: "-f --file",
    writes: "-i --in-place",
    text: 1,
    pattern: "-e --expression -f --file",
  },
  awk: {
    values: "-F -v --field-separator --assign",
    runs: "-f --file -i --include -l --load -E --exec -e --source -W -D --debug",
    writes: "-d -o -p --dump-variables --pretty-print --profile",
    text: 1,
  },
  man: { runs: "-P --pager -H --html -C --config-file", text: ALL_TEXT },
  less: { runs: "-k --lesskey-file --lesskey-src --lesskey-content", writes: "-o -O --log-file --LOG-FILE" },
  date: {
    values: "-d --date -I -R -r --reference",
    switches: "-u --utc --universal",
    runs: "-s --set -f --file",
    text: ALL_TEXT,
  },
  file: {
    values: "-F -e -P",
    runs: "-m --magic-file -C --compile -f --files-from",
    switches: "-b -i -k -L -h -N -s -z -Z --mime-type",
  },
  gpg: {
    meanings: { export_secret: "--export-secret-keys --export-secret-subkeys" },
    runs: "--agent-program --exec-path --photo-viewer",
    writes: "-o --output",
  },
  gcc: COMPILER,
  cc: COMPILER,
  "g++": COMPILER,
  clang: COMPILER,
  cmake: { values: "-S -B -G -A -T -U --build --install --open", runs: "-P -C -D --toolchain" },
  hg: { globals: "-R --repository --cwd --color --pager", runs: HG },
  "hg bisect": { runs: `${HG} -c --command` },
  "hg extdiff": { runs: `${HG} -p --program` },
  make: { values: "-C -j -l -o -W --directory --jobs", runs: "-f --file --makefile --eval -I --include-dir -E" },
  echo: { text: ALL_TEXT },
  printf: { runs: "-v", text: ALL_TEXT },
  tr: { text: ALL_TEXT },
  ps: { text: ALL_TEXT },
  type: { text: ALL_TEXT },
  which: { text: ALL_TEXT },
  find: { words: true },
  uniq: { values: "-f -s -w", switches: "-c -d -D -i -u -z", writesOperand: 2 },
  ...GIT,
};

/** What is known of a program by the name it is {@link knownAs}, and of one of its subcommands. */
export function knowledgeOf(name: string, subcommand?: string): ProgramKnowledge {
  const own = subcommand === undefined ? undefined : entry(`${name} ${subcommand}`);
  return own ?? entry(name) ?? NOTHING;
}

/** Whether a program takes no other command among its arguments. */
export function takesDataOnly(name: string): boolean {
  const known = entry(name);
  return TAKE_DATA.has(name) || name.startsWith("mkfs.") || (known !== undefined && known.runsArguments !== true);
}

const NOTHING: ProgramKnowledge = {};

function entry(name: string): ProgramKnowledge | undefined {
  return Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
}
