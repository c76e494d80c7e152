/** What can be known of a program's options. */

/** One program, or one of its subcommands. Options are separated by spaces. */
export interface ProgramKnowledge {
  /** Options by what they mean. */
  readonly meanings?: Readonly<Record<string, string>>;
  /** Options that take a value, in the same word or the next. */
  readonly values?: string;
  /** Options that take none. Needed only where others do. */
  readonly switches?: string;
  /** Options before a subcommand that take a value. */
  readonly globals?: string;
  /** Options whose value is run or loaded as code, or by which files decide what files are read. */
  readonly runs?: string;
  /** Options whose value names a file that is written; without a value, the program writes. */
  readonly writes?: string;
  /** Which of its operands names a file that is written, counted from 1. */
  readonly writesOperand?: number;
  /** How many of its first operands are text, and not names of files, unless one of `pattern` is given. */
  readonly text?: number;
  /** Options that take the place of the text among the operands. */
  readonly pattern?: string;
  /** Whether it has subcommands that run, or keep to be run, what stands among their arguments. */
  readonly runsArguments?: boolean;
  /** Whether options are words after one dash: `-name`. */
  readonly words?: boolean;
}
