/** Times on the command line and on the screen; always UTC. */

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

const ISO =
  /^(?<date>\d{4}-\d{2}-\d{2})(?:[T ](?<minute>\d{2}:\d{2})(?::(?<second>\d{2})(?:\.(?<fraction>\d{1,9}))?)?(?<zone>Z|[+-]\d{2}:\d{2})?)?$/i;

/**
 * Reads a time: an ISO 8601 date or time (UTC when it names no zone) or a duration back from `now`, such as `15m`.
 * Milliseconds since the epoch; `undefined` when it is neither, or no day of the calendar.
 */
export function parseTime(text: string, now: number): number | undefined {
  const duration = parseDuration(text);
  if (duration !== undefined) return now - duration;
  const parts = ISO.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const { date = "", minute = "00:00", second = "00", fraction = "0", zone = "Z" } = parts;
  const clock = `${date}T${minute}:${second}`;
  // Date.parse takes 30 February for 2 March; a time that doesn't come back as it went in is no time.
  const local = Date.parse(`${clock}Z`);
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, clock.length) !== clock) return undefined;
  const time = Date.parse(`${clock}.${fraction.padEnd(3, "0").slice(0, 3)}${zone.toUpperCase()}`);
  return Number.isNaN(time) ? undefined : time;
}

/** Reads a duration such as `15m`: milliseconds; `undefined` when it is none. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? 0);
}

/** A duration in milliseconds as people say it, in its largest unit, rounded down: `2h`, `15m`. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.max(0, milliseconds);
  const [unit, size] = Object.entries(UNITS).findLast(([, each]) => whole >= each) ?? ["s", 1000];
  return `${Math.floor(whole / size)}${unit}`;
}

/** An entry's time as people read it, `2026-01-15 10:23:01`; text that is no such time stays as it is. */
export function formatTime(ts: string): string {
  // A forged entry's time may be no text.
  return typeof ts === "string" && /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/.test(ts)
    ? ts.slice(0, 19).replace("T", " ")
    : ts;
}
