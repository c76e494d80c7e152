/** Package runners, and tools of containers and other machines, that run a command among their arguments. */

import type { Launcher } from "./launching.ts";

/** Behind one of these words stands a command. */
const VERBS = new Set(["exec", "run", "dlx", "execute", "debug", "ssh"]);
/** Options whose value is one. */
const CODE_OPTION = /^--?(?:c|command|run|exec|cmd|call)(?:=([^]*))?$/;
const NAMES =
  `npm pnpm yarn docker kubectl oc mise rtx asdf poetry uv pipenv conda mamba bundle nix vagrant lxc incus machinectl nix-shell direnv
  rbenv pyenv nodenv volta rustup heroku fly flyctl aws gcloud docker-compose podman-compose devcontainer turbo lerna rush hatch
  pdm rye pixi minikube`.split(/\s+/);
/** Whose `run` runs a script of the project, by its name. */
const RUN_SCRIPTS = new Set(["npm", "pnpm", "yarn", "turbo", "lerna", "rush"]);

const runner: Launcher = ({ name, words }, launches) => {
  for (const [index, word] of words.entries()) {
    const option = CODE_OPTION.exec(word.shape);
    const code = option?.[1] === undefined ? words[index + 1] : { ...word, shape: option[1] };
    if (option !== null && code !== undefined) launches.guess(code, name);
  }
  const operands = words.slice(1).filter(({ shape }) => !shape.startsWith("-"));
  const isRunner = operands[0]?.shape === "x" && RUN_SCRIPTS.has(name);
  const verb = isRunner ? operands[0] : operands.slice(0, 3).find(({ shape }) => VERBS.has(shape));
  if (verb === undefined || (verb.shape === "run" && RUN_SCRIPTS.has(name))) return { words };
  const end = words.findIndex(({ shape }) => shape === "--");
  if (end !== -1 && end + 1 < words.length) launches.run(words.slice(end + 1), `${name} ${verb.shape}`);
  return {
    words: words.filter(({ shape }) => shape !== "--"),
    opaque: [`${name} runs a command among its arguments`],
    mayRunArguments: true,
  };
};

/** By the name the program is known as. */
export const PACKAGE_RUNNERS: Readonly<Record<string, Launcher>> = Object.fromEntries(
  NAMES.map((name) => [name, runner]),
);
