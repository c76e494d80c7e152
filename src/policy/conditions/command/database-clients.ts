/** Clients of databases: they run statements, and have commands that leave to a shell. */

import type { Launcher } from "./launching.ts";

const TO_SHELL = /\\!|(?:^|[;\n])\s*\.?(?:shell|system|sh)\s|\\copy[^]*program/i;

const client: Launcher = ({ name, words }, launches) => {
  if (words.slice(1).some(({ shape }) => TO_SHELL.test(shape))) launches.unseen(`${name} leaves to a shell`);
  return { words, opaque: [`${name} runs statements`] };
};

/** By the name the program is known as. */
export const DATABASE_CLIENTS: Readonly<Record<string, Launcher>> = { psql: client, mysql: client, sqlite3: client };
