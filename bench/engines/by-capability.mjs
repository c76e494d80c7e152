/** The rules of each capability, for engines that have no index of their own. */

/**
 * @param {readonly import("./serve.mjs").Rule[]} rules
 * @returns {Map<string, import("./serve.mjs").Rule[]>}
 */
export function byCapability(rules) {
  const groups = new Map();
  for (const rule of rules) {
    const group = groups.get(rule.capability);
    if (group === undefined) groups.set(rule.capability, [rule]);
    else group.push(rule);
  }
  return groups;
}
