/** What tools of any kind are called, provider-side ones included, and which of them no process of ours runs. */

/** Whether LangChain would run this here. What it would not, a plain object, only tells the model's provider what to run. */
export function isClientTool(tool: object): boolean {
  return "lc_namespace" in tool && Array.isArray(tool.lc_namespace);
}

/** The names a tool goes by: its `name`, a definition's `function.name`, and a provider's `type`. */
export function namesOf(tool: object): readonly string[] {
  const { name, type, function: definition } = tool as { name?: unknown; type?: unknown; function?: unknown };
  const defined: unknown = typeof definition === "object" && definition !== null && Reflect.get(definition, "name");
  const names = isClientTool(tool) ? [name] : [name, defined, type];
  return names.filter((one) => typeof one === "string");
}

/** Whether the host has listed this provider-side tool, by reference or by one of its names. */
export function isListed(tool: object, ungated: readonly (string | object)[]): boolean {
  return ungated.includes(tool) || (!isClientTool(tool) && namesOf(tool).some((name) => ungated.includes(name)));
}

/** A tool in an error message. */
export function showTool(tool: object): string {
  return namesOf(tool)[0] ?? "(no name)";
}
