import { unlinkSync, writeFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { AuditLog } from "../../src/audit/log.ts";
import { currentOwner, formatOwner } from "../../src/audit/file/owner.ts";
import { nonceOf } from "./nonce.ts";
import { decision, expectOneChain, filesBeside, placeLog, sampleFiles } from "./sample-log.ts";

const { closed } = await sampleFiles();

describe("a lock that stays taken for 15 seconds", () => {
  const elsewhere = { ...currentOwner(), pid: 4_711, host: "elsewhere.example", nonce: nonceOf("elsewhere") };

  it.each([
    ["by another host", formatOwner(elsewhere), /locked for over 15 seconds by process 4711 on elsewhere\.example/],
    [
      "by somebody whose file can't be read",
      Buffer.from("hello"),
      /locked for over 15 seconds by an owner that its lock file does not name/,
    ],
  ])("%s makes opening an error, which is tried again", async (_name, owner, message) => {
    const path = placeLog(closed);
    writeFileSync(`${path}-lock`, owner);
    const log = new AuditLog(path);
    await expect(log.append(decision())).rejects.toMatchObject({
      code: "ERR_AUDIT_UNAVAILABLE",
      message: expect.stringMatching(message) as string,
    });
    expect(filesBeside(path)).toEqual(["audit.db", "audit.db-lock"]);
    unlinkSync(`${path}-lock`);
    expect(await log.append(decision())).toMatchObject({ seq: 5 });
    await log.close();
  });

  it("refuses the appends that wait for it, and no later ones", async () => {
    const path = placeLog(closed);
    const log = new AuditLog(path);
    await log.append(decision());
    writeFileSync(`${path}-lock`, formatOwner(elsewhere));
    const refused = await Promise.allSettled([log.append(decision()), log.append(decision())]);
    expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    unlinkSync(`${path}-lock`);
    expect(await log.append(decision())).toMatchObject({ seq: 6 });
    await log.close();
    expect(expectOneChain(path)).toHaveLength(7);
  });
});
