/** The ways into a LangChain tool that a class or an object could have filled with code of its own. */

const ENTRANCES = [
  "invoke",
  "call",
  "batch",
  "stream",
  "streamEvents",
  "streamLog",
  "transform",
  "_streamIterator",
] as const;

/** The first way in that one of these objects has itself, inherited ones left aside; none where all is core's. */
export function ownEntrance(holders: readonly object[], more: readonly string[] = []): string | undefined {
  return [...ENTRANCES, ...more].find((name) => holders.some((holder) => Object.hasOwn(holder, name)));
}
