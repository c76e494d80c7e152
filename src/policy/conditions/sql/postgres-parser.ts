/** PostgreSQL's own parser, compiled to WebAssembly (libpg-query): loaded when a policy needs it, and replaced when it breaks. */

import { createRequire } from "node:module";

/** A node of PostgreSQL's parse tree as JSON: https://github.com/pganalyze/libpg_query. */
export type SqlNode = Readonly<Record<string, unknown>>;

/** The statements of a text, or why there are none, as the rest of a sentence about it. */
export type Parsed = { readonly statements: readonly SqlNode[] } | { readonly problem: string };

interface LibPgQuery {
  readonly loadModule: () => Promise<void>;
  readonly parseSync: (query: string) => { readonly stmts?: readonly { readonly stmt?: SqlNode }[] };
}

/** Longest text that is parsed, in UTF-16 code units. */
const MAX_LENGTH = 8_192;
/** Deepest nesting of brackets. */
const MAX_DEPTH = 64;
/** Most words, numbers and signs: the tree, and the time it takes, grow with them. */
const MAX_TOKENS = 3000;
/** Most comments: each takes the parser as long as hundreds of other characters. */
const MAX_COMMENTS = 100;
/** Most words and operators that each nest the tree deeper by one: beyond some thousand the parser runs out of stack. */
const MAX_CHAINED = 1000;
/** The same for those that take more of the stack. */
const MAX_NESTED = 200;

const WARMING =
  "WITH a AS (SELECT count(*) FROM b.c WHERE d = 'e' AND f IN (1, 2)) INSERT INTO g (h) SELECT i FROM a /* j */";

const NOT_READY: Parsed = { problem: "cannot be read before the parser is loaded (policy.ready())" };

const require = createRequire(import.meta.url);

let parser: LibPgQuery | undefined;
let loading: Promise<void> | undefined;

/** Resolves when {@link parsePostgres} can parse. Rejects when the package is missing or cannot be loaded. */
export async function loadPostgresParser(): Promise<void> {
  if (parser !== undefined) return;
  loading ??= load().finally(() => (loading = undefined));
  await loading;
}

async function load(): Promise<void> {
  // A copy of its own: after a failure the memory of the former one cannot be trusted.
  for (const file of Object.keys(require.cache)) if (/[\\/]libpg-query[\\/]/.test(file)) delete require.cache[file];
  const module = require("libpg-query") as LibPgQuery;
  await module.loadModule();
  // WebAssembly is compiled as it is first run: better here than in the first answer.
  module.parseSync(WARMING);
  parser = module;
}

/** Parses SQL as PostgreSQL does. Synchronous; never throws. Before {@link loadPostgresParser} it has no statements. */
export function parsePostgres(text: string): Parsed {
  if (parser === undefined) return NOT_READY;
  const problem = problemBefore(text);
  return problem === undefined ? parse(parser, text) : { problem };
}

function parse({ parseSync }: LibPgQuery, text: string): Parsed {
  try {
    const { stmts = [] } = parseSync(text);
    return { statements: stmts.flatMap(({ stmt }): readonly SqlNode[] => (stmt === undefined ? [] : [stmt])) };
  } catch (error) {
    if (error instanceof Error && error.name === "SqlError") return { problem: `is not SQL: ${error.message}` };
    // Its stack or memory ran out in the middle of something. A new one is there when `ready` is next awaited.
    parser = undefined;
    void loadPostgresParser().catch(() => {});
    return { problem: "is more than the parser can take" };
  }
}

/** What the parser must not be given, or reads otherwise than some server or client would. */
function problemBefore(text: string): string | undefined {
  if (text.trim() === "") return "is empty";
  if (text.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  // oxlint-disable-next-line no-control-regex -- a NUL would end the text for the parser
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text)) return "has control characters";
  if (/\\['"]/.test(text)) return "has a backslash before a quote, which some settings read as the quote itself";
  if (/\/\*!/.test(text)) return "has a comment that other servers execute";
  return nestingProblem(text);
}

function nestingProblem(text: string): string | undefined {
  const code = text.replace(/'(?:[^']|'')*'/g, "''");
  let depth = 0;
  for (const bracket of code.match(/[()[\]]|\/\*|\*\//g) ?? []) {
    depth = bracket === "(" || bracket === "[" || bracket === "/*" ? depth + 1 : Math.max(0, depth - 1);
    if (depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep`;
  }
  const count = (pattern: RegExp): number => code.match(pattern)?.length ?? 0;
  // Not only where one begins for certain: `*/*` may be the end of one and the beginning of another.
  if (count(/\/(?=\*)/g) > MAX_COMMENTS) return "has too many comments";
  if (count(/\w+|[^\w\s]/g) > MAX_TOKENS) return "has too many words and signs";
  if (count(CHAINED) > MAX_CHAINED || count(NESTED) > MAX_NESTED) return "chains too many operators and clauses";
  return undefined;
}

const CHAINED = /[-+*/<>=~!@#%^&|`?]+|::|\b(?:and|or|is|in|like|ilike|collate|at|union|except|intersect|join)\b/gi;
const NESTED = /\b(?:not|case|select|with|explain)\b/gi;
