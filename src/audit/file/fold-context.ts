/** What folding and sealing work with. */

import type { Chain } from "./chain.ts";
import type { AuditFiles } from "./files.ts";
import type { LogLock } from "./lock.ts";
import type { Engine } from "./sqlite.ts";

/** What is folded, and with what. */
export interface FoldContext {
  readonly files: AuditFiles;
  readonly engine: Engine;
  readonly path: string;
  readonly lock: LogLock;
  readonly chain: Chain;
  /** The time, as entries give it. */
  readonly timestamp: () => string;
  /** Entries at which a database is sealed. */
  readonly segmentEntries: number;
}
