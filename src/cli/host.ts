/** What a command knows of the process it runs in, and how it tells the shell what happened. */

/** A stream a command writes text to. */
interface Output {
  write(text: string): void;
  /** Whether a person is looking; colours appear only then. */
  readonly isTTY?: boolean | undefined;
}

/** Everything a command takes from its surroundings, so that tests can give it other ones. */
export interface Host {
  /** Data, and nothing but data. */
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory that relative paths start from; absolute. */
  readonly cwd: string;
  /** The user's home directory; absolute. */
  readonly home: () => string;
  /** What this machine calls itself. */
  readonly hostname: () => string;
  /** The time, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Resolves after so many milliseconds, or as soon as `signal` is aborted. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** From this call on an interrupt (SIGINT) aborts the signal instead of ending the process. So does a closed stdout. */
  readonly interruption: () => AbortSignal;
  /** All there is on standard input, as text. */
  readonly readInput: () => Promise<string>;
  /** Asks a person and resolves to whether the answer was yes; `undefined` when there is nobody to ask. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/** The exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** It could not be done: a file that is missing or cannot be read. */
  failed: 1,
  /** The command line means nothing. */
  usage: 2,
  /** It was done, and something is wrong: a chain is broken, a policy is not valid, a test failed, a call is newly allowed. */
  finding: 3,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
