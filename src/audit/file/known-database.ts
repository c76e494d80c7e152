/** The database file of a log as one writer knows it: what it has looked into, and what it relies on. */

import { AuditCorruptError } from "../../errors.ts";
import type { Head } from "../format/entry.ts";
import {
  endOf,
  lookInto,
  openDatabase,
  type DatabaseEnd,
  type DatabaseLook,
  type DatabaseSurroundings,
  type LookedInto,
} from "./database-look.ts";
import { isUnwritten, type FileIdentity } from "./files.ts";

/** The database file of one log. */
export class KnownDatabase {
  readonly #surroundings: DatabaseSurroundings;
  readonly #log: string;
  #known: LookedInto;
  /** What was found in another one, not yet relied on. */
  #look: DatabaseLook | undefined;

  private constructor(surroundings: DatabaseSurroundings, log: string, known: LookedInto) {
    this.#surroundings = surroundings;
    this.#log = log;
    this.#known = known;
  }

  /** Opens the file as it stands; answers how far it goes, too. @throws AuditCorruptError when it is damaged. */
  static open(surroundings: DatabaseSurroundings): { readonly database: KnownDatabase; readonly end: DatabaseEnd } {
    const { found: end, ...file } = openDatabase(surroundings, endOf);
    return { database: new KnownDatabase(surroundings, end.last.entry.log, file), end };
  }

  /** The file that was looked into last and is relied on. */
  get identity(): FileIdentity {
    return this.#known.identity;
  }

  /** The file as it stands. @throws AuditCorruptError when it is gone. */
  identify(): FileIdentity {
    const { files, path } = this.#surroundings;
    const found = files.identify(path);
    if (found === undefined) throw new AuditCorruptError(path, "its database file has disappeared");
    return found;
  }

  /** Whether this is the file that is relied on, with nothing written to it since. */
  isKnown(found: FileIdentity): boolean {
    return isUnwritten(found, this.#known.identity);
  }

  /** Looks into the file as it stands, for {@link foundIn}. @throws AuditCorruptError when it is damaged. */
  look(head: Head): void {
    this.forget();
    this.#look = lookInto(this.#surroundings, this.#log, head);
  }

  /** Forgets what was found and is not relied on. */
  forget(): void {
    const look = this.#look;
    this.#look = undefined;
    if (look !== undefined) this.#surroundings.files.close(look.fd);
  }

  /** What was found in this very file, if that is what was looked into, and for this entry. */
  foundIn(found: FileIdentity, head: Head): DatabaseLook | undefined {
    const look = this.#look;
    if (look?.head.seq !== head.seq || look.head.hash !== head.hash) return undefined;
    return isUnwritten(found, look.identity) ? look : undefined;
  }

  /** Relies from now on on what was found. */
  rely(look: DatabaseLook): void {
    this.#look = undefined;
    this.#know(look);
  }

  /** Relies on the file as it stands, which this writer has just put in place. */
  relyOnOwn(): void {
    const { files, path } = this.#surroundings;
    const fd = files.openRead(path);
    this.#know({ identity: files.identifyOpen(fd), fd });
  }

  /**
   * Whether the file as it stands, or the segment that was sealed from it, holds an entry; if so, it is relied on. Throws as
   * {@link look} does.
   */
  reliesOnWhatHolds(entry: Head): boolean {
    const look = lookInto(this.#surroundings, this.#log, entry);
    if (look.isHeld) this.#know(look);
    else this.#surroundings.files.close(look.fd);
    return look.isHeld;
  }

  close(): void {
    this.forget();
    this.#surroundings.files.close(this.#known.fd);
  }

  #know({ identity, fd: opened }: LookedInto): void {
    const { fd } = this.#known;
    this.#known = { identity, fd: opened };
    this.#surroundings.files.close(fd);
  }
}
