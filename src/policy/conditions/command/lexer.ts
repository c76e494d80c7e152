/**
 * A second, much smaller reading of a command line: quotes, backslash, `;`, `&`, `|`, `&&`, `||`, newlines and plain
 * redirections, the wildcards `*` and `?`, and nothing else. What is to be allowed has to read the same here and in the full
 * parser, so that a mistake in either of them allows nothing.
 */

import { HOLE } from "./word.ts";

/** One simple command: its words without quotes, wildcards as {@link HOLE}, and its redirections as `>file`, in order. */
export interface PlainCommand {
  readonly words: readonly string[];
  readonly redirects: readonly string[];
}

/** Characters that mean something to a shell unquoted, beyond what is read here. */
const BEYOND = new Set("$`(){}[]!\r\v\f\0");
/** Characters that mean something at the beginning of a word, or where an assignment or a list of paths goes on. */
const LEADING = new Set("~#");
const OPERATOR = /^\d?(?:>>|>&|<&|>|<)/;

/** The simple commands of `text`, in order; `undefined` when it has anything that is not read here. */
export function lexPlainly(text: string): readonly PlainCommand[] | undefined {
  return new Lexer(text).commands();
}

/** Reads one text. */
class Lexer {
  readonly #text: string;
  readonly #commands: PlainCommand[] = [];
  #words: string[] = [];
  #redirects: string[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  commands(): readonly PlainCommand[] | undefined {
    while (this.#at < this.#text.length) {
      if (!this.#token()) return undefined;
    }
    this.#end();
    return this.#commands;
  }

  /** Reads what comes next; `false` when that is beyond this reader. */
  #token(): boolean {
    const char = this.#text[this.#at] ?? "";
    if (char === " " || char === "\t" || this.#text.startsWith("\\\n", this.#at)) {
      this.#at += char === "\\" ? 2 : 1;
      return true;
    }
    if (char === "\n" || char === ";" || char === "|" || char === "&") return this.#separator();
    const operator = OPERATOR.exec(this.#rest())?.[0];
    if (operator !== undefined) return this.#redirect(operator);
    const word = this.#word();
    if (word === undefined) return false;
    this.#words.push(word);
    return true;
  }

  #separator(): boolean {
    const operator = /^(?:\n|;|&&?|\|\|?)/.exec(this.#rest())?.[0] ?? "";
    // `;;`, `;&`, `|&` and `&&&` are other constructs, or mistakes; `&>` is read in two ways by different shells.
    if (/^[;|&>]/.test(this.#text.slice(this.#at + operator.length))) return false;
    this.#at += operator.length;
    this.#end();
    return true;
  }

  #redirect(operator: string): boolean {
    this.#at += operator.length;
    // Other operators, a here-document, a here-string or a process substitution.
    if (/^[<>&|(]/.test(this.#rest())) return false;
    while (/^[ \t]/.test(this.#rest())) this.#at += 1;
    const target = this.#word();
    if (target === undefined || target === "") return false;
    this.#redirects.push(`${operator}${target}`);
    return true;
  }

  /** One word; `undefined` when it has anything that is not read here, an end of the text inside quotes included. */
  #word(): string | undefined {
    let word = "";
    for (; this.#at < this.#text.length; this.#at += 1) {
      const char = this.#text[this.#at] ?? "";
      if (/[ \t\n;&|<>]/.test(char)) return word;
      if (char === "\\") {
        this.#at += 1;
        const next = this.#text[this.#at];
        if (next === undefined) return undefined;
        // A line that goes on.
        if (next !== "\n") word += next;
      } else if (char === "'" || char === '"') {
        const inside = this.#quoted(char);
        if (inside === undefined) return undefined;
        word += inside;
      } else if (char === "*" || char === "?") word += HOLE;
      else if (BEYOND.has(char) || (LEADING.has(char) && /(?:^|[=:])$/.test(word))) return undefined;
      else word += char;
    }
    return word;
  }

  /** What stands in quotes that begin here; ends at the closing one. */
  #quoted(quote: string): string | undefined {
    let inside = "";
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const char = this.#text[this.#at] ?? "";
      if (char === quote) return inside;
      if (quote === '"' && /[$`\\!]/.test(char)) {
        const next = this.#text[this.#at + 1] ?? "";
        if (char !== "\\" || next === "\n" || next === "!") return undefined;
        if (/[$`"\\]/.test(next)) {
          inside += next;
          this.#at += 1;
        } else inside += char;
      } else inside += char;
    }
    return undefined;
  }

  #rest(): string {
    return this.#text.slice(this.#at, this.#at + 24);
  }

  #end(): void {
    if (this.#words.length > 0 || this.#redirects.length > 0) {
      this.#commands.push({ words: this.#words, redirects: this.#redirects });
    }
    this.#words = [];
    this.#redirects = [];
  }
}
