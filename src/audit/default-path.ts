/** Where the audit log is when nobody names it. */

/** The log used when none is named: `CAPFENCE_AUDIT_LOG`, else `./audit.db`, relative to the working directory. */
export function defaultAuditLog(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const configured = env["CAPFENCE_AUDIT_LOG"];
  return configured === undefined || configured === "" ? "./audit.db" : configured;
}
