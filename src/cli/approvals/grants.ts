/** `capfence grant` and `capfence revoke`: calls to come that need no asking. */

import { EXIT, type ExitCode, type Host } from "../host.ts";
import { formatTime } from "../time.ts";
import { atDesk, type DeskOptions } from "./desk.ts";
import { spokenId } from "./spoken-id.ts";

/** The options of `capfence grant`. */
export interface GrantCommandOptions extends DeskOptions {
  readonly agent: string;
  readonly capability: string;
  readonly environment?: string;
  readonly session?: string;
  readonly uses?: number;
  /** Seconds. */
  readonly expires: number;
}

/**
 * Makes a grant and prints its id.
 *
 * @throws ApprovalError, AuditUnavailableError, AuditCorruptError, CommandFailure as `answer` does.
 */
export async function grant(options: GrantCommandOptions, host: Host): Promise<ExitCode> {
  const { agent, capability, environment, session, uses, expires, note } = options;
  return await atDesk(options, host, async ({ approvals, by, key }) => {
    const until = formatTime(new Date(host.now() + expires * 1000).toISOString());
    const offer = { agent, capability, environment, session, uses, expiresInSeconds: expires, by, note, key };
    const id = await approvals.grant(offer);
    host.stdout.write(`${id}\n`);
    host.stderr.write(`Granted until ${until} UTC. To end it before: capfence revoke ${id}\n`);
    return EXIT.ok;
  });
}

/** Ends a grant. @throws ApprovalError, AuditUnavailableError, AuditCorruptError as {@link grant}. */
export async function revoke(typed: string, options: DeskOptions, host: Host): Promise<ExitCode> {
  return await atDesk(options, host, async ({ open, approvals, by }) => {
    const id = spokenId(typed, (each) => open.grants.has(each), open.grants.keys());
    await approvals.revoke(id, { by });
    host.stdout.write("Revoked.\n");
    return EXIT.ok;
  });
}
