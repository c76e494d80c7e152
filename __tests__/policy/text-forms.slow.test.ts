import { describe, it } from "vitest";

import { PROPERTIES } from "./text-properties.ts";

describe("for every text, however Unicode writes it, many times", () => {
  it.each(Object.entries(PROPERTIES))("%s", (_, property) => property(600));
});
