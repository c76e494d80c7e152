import { describe, it } from "vitest";

import { PROPERTIES } from "./language-properties.ts";

describe("for every policy of the whole language", () => {
  it.each(Object.entries(PROPERTIES))("%s", (_, property) => property(400));
});
