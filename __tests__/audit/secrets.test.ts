import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { canonical } from "../../src/audit/format/entry.ts";
import { redact } from "../../src/audit/recording/redact.ts";
import { mayHoldSecrets, withoutSecrets } from "../../src/audit/recording/secrets.ts";

const SECRETS: readonly (readonly [string, string])[] = [
  ["AWS access key", `AKIA${"A1".repeat(8)}`],
  ["AWS access key", `ASIA${"A1".repeat(8)}`],
  ["AWS access key", `ABIA${"A1".repeat(8)}`],
  ["AWS access key", `ACCA${"A1".repeat(8)}`],
  ["GitHub token", `ghp_${a(36)}`],
  ["GitHub token", `ghp_${a(300)}`],
  ["GitHub token", `github_pat_${a(22)}`],
  ["GitHub token", `github_pat_${a(300)}`],
  ["GitLab token", `glpat-${a(20)}`],
  ["GitLab token", `glpat-${a(90)}`],
  ["GitLab token", `glpat-${a(40)}.01.1a0b2c3d4`],
  ["GitLab token", `glpat-${a(40)}.1a0b2c3d4`],
  ["GitLab token", `glrt-t1_${a(40)}.01.1a0b2c3d4`],
  ["GitLab token", `glcbt-64_${a(20)}`],
  ...["gldt", "glrt", "glptt", "glagent", "glsoat", "gloas", "glft", "glimt"].map(
    (kind) => ["GitLab token", `${kind}-${a(20)}`] as const,
  ),
  ["Slack token", `xoxb-${a(12)}`],
  ["Slack token", `xoxb-${a(300)}`],
  ["Slack token", `xapp-1-A0123-456-${a(64)}`],
  ["Slack token", `xoxc-12-34-${a(64)}`],
  ["Slack token", `xoxd-${a(20)}%2Fb%2B${a(20)}%3D%3D`],
  ["Slack token", `xoxd-${a(20)}/b+${a(20)}==`],
  ["Stripe key", `sk_live_${a(24)}`],
  ["Stripe key", `rk_test_${a(300)}`],
  ["Stripe key", `whsec_${a(32)}`],
  ["Google API key", `AIza${a(35)}`],
  ["Google OAuth credential", `ya29.${a(60)}`],
  ["Google OAuth credential", `ya29.c.${a(60)}`],
  ["Google OAuth credential", `GOCSPX-${a(28)}`],
  ["npm token", `npm_${a(36)}`],
  ["model provider key", `sk-${a(24)}`],
  ["model provider key", `sk-proj-${a(300)}`],
  ["JSON Web Token", `eyJ${a(10)}.eyJ${a(10)}.${a(10)}`],
  ["JSON Web Token", `eyJ${a(10)}.eyJ${a(20_000)}.${a(10)}`],
  ["JSON Web Token", `eyJ${a(10)}.${a(40)}.${a(16)}.${a(50)}.${a(22)}`],
  ["JSON Web Token", `eyJ${a(10)}.eyJ${a(40)}.${a(16)}.${a(50)}.${a(22)}`],
  ["JSON Web Token", `eyJ${a(10)}..${a(16)}.${a(50)}.${a(22)}`],
  ["signing key", `PRIVATE+KEY+me+01234567+${a(44)}`],
];

/** What may stand right before a secret. */
const BEFORE = [
  "",
  " ",
  "\n",
  '"',
  "=",
  "-p",
  "x -p",
  "\n-p",
  String.raw`{"t":"x\n`,
  String.raw`\r`,
  String.raw`\t`,
  String.raw`\t-p`,
  String.raw`t\u003d`,
  "t%3D",
  "t%3d",
  "%20",
];

describe("secrets recognised by their form", () => {
  it.each(SECRETS)("%s: found in the middle of a command, at the ends, and twice (%.20s)", (name, secret) => {
    const marker = `[redacted: ${name}]`;
    for (const text of [secret, `curl -H "X: ${secret}" x`, `${secret} ${secret}`]) {
      const { text: safe, found } = withoutSecrets(text);
      expect(safe).toBe(text.replaceAll(secret, marker));
      expect(found).toEqual([name]);
    }
  });

  it.each(BEFORE)("are found right after %j", (before) => {
    for (const [name, secret] of SECRETS) {
      expect(withoutSecrets(`${before}${secret}"`).text).toBe(`${before}[redacted: ${name}]"`);
    }
  });

  it.each(["OPENSSH PRIVATE KEY", "PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])("finds a %s, whole or cut off", (label) => {
    const key = `-----BEGIN ${label}-----\n${a(80)}\n`;
    expect(withoutSecrets(`x ${key}-----END ${label}----- y`).text).toBe("x [redacted: private key] y");
    expect(withoutSecrets(`x ${key}`).text).toBe("x [redacted: private key]");
  });

  it.each([
    "ls -la /tmp",
    "sk-short",
    "task-management-for-everybody",
    "risk_test_0123456789abcdef",
    "https://example.com:8080/a@b",
    "eyJ.eyJ.x",
    "AKIA",
    "a: b",
    "",
  ])("leaves %j as it is", (text) => {
    expect(withoutSecrets(text)).toEqual({ text, found: [] });
  });
});

describe("passwords in URLs", () => {
  const MARK = "[redacted: password in a URL]";

  it.each([
    ["psql postgres://me:hunter2@db.example/x", `psql postgres://${MARK}db.example/x`],
    ["curl -xhttp://user:pw@proxy:8080", `curl -xhttp://${MARK}proxy:8080`],
    ["psql -dpostgresql://user:pw@host/db", `psql -dpostgresql://${MARK}host/db`],
    ["1.https://u:pw@h", `1.https://${MARK}h`],
    ["%20https://u:pw@h", `%20https://${MARK}h`],
    [`${"scheme".repeat(10)}://u:pw@h`, `${"scheme".repeat(10)}://${MARK}h`],
    [`https://u:${"p".repeat(5_000)}@h`, `https://${MARK}h`],
    [`https://${"u".repeat(5_000)}:p@h`, `https://${MARK}h`],
    ["https://u:p@ss@h/", `https://${MARK}h/`],
    ["smtp://me@example.com:pw@mail.example", `smtp://${MARK}mail.example`],
    ["mongodb://u:p1@h1,u2:p2@h2/db", `mongodb://${MARK}h2/db`],
    ["redis://:pw@h", `redis://${MARK}h`],
    ["https://token:@h", `https://${MARK}h`],
    ["https://u:o'clock@h", `https://${MARK}h`],
    ["https://u:pw@h?x=a@b https://u:pw@i#a@b", `https://${MARK}h?x=a@b https://${MARK}i#a@b`],
    ['{"a":"https://u:pw@h","b":"c@d"}', `{"a":"https://${MARK}h","b":"c@d"}`],
    [String.raw`{\"a\":\"https://u:pw@h\",\"b\":\"c@d\"}`, String.raw`{\"a\":\"https://${MARK}h\",\"b\":\"c@d\"}`],
  ])("%.60s", (text, safe) => {
    expect(withoutSecrets(text)).toEqual({ text: safe, found: ["password in a URL"] });
  });

  it.each([
    "https://h:80/a@b",
    "https://h:80?a@b",
    "https://h:80#a@b",
    "ssh://git@h:22/x",
    "https://h: a@b",
    "http://[::1]:80/a@b",
    "file:///c:/a@b",
    '{"u":"https://h:80","t":"a@b"}',
    "<https://h:80><a@b>",
    "see `https://h:80`,`a@b`",
  ])("leaves %j as it is", (text) => {
    expect(withoutSecrets(text)).toEqual({ text, found: [] });
  });
});

describe("secrets in one another", () => {
  const AWS = "AKIAIOSFODNN7EXAMPLE";

  it.each<readonly [string, string, string, string[]]>([
    [
      "an access key as the user of a URL",
      `sqs://${AWS}:wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY@us-east-1`,
      "sqs://[redacted: password in a URL]us-east-1",
      ["AWS access key", "password in a URL"],
    ],
    [
      "a token in a password",
      `https://u:x-ghp_${a(36)}-rest@h`,
      "https://[redacted: password in a URL]h",
      ["GitHub token", "password in a URL"],
    ],
    [
      "a URL as the name of a signing key",
      `PRIVATE+KEY+https://u:pw@h+01234567+${a(44)} x`,
      "[redacted: signing key] x",
      ["signing key", "password in a URL"],
    ],
    [
      "a signing key that begins in a password and ends behind it",
      `https://u:PRIVATE+KEY+n@h+01234567+${a(44)} x`,
      "https://[redacted: password in a URL] x",
      ["signing key", "password in a URL"],
    ],
  ])("%s: nothing of either is left", (_, text, safe, found) => {
    expect(withoutSecrets(text)).toEqual({ text: safe, found });
  });
});

/** Beginnings of secrets, which texts repeat that are made to be long to go through. */
const BEGINNINGS = new Set([
  ...SECRETS.flatMap(([, secret]) => [secret.slice(0, 3), secret.slice(0, 12), `${secret.slice(0, 50)}.`]),
  "-eyJ",
  " -eyJ",
  "eyJaaaaaaaa.",
  "eyJaaaaaaaa..",
  String.raw`\neyJ`,
  "%3DeyJ",
  "://",
  "://a:",
  "://:",
  "a:",
  "a@",
  "-----BEGIN ",
  "-----BEGIN PRIVATE KEY-----",
  "-----END ",
  String.raw`\u0`,
  " -a",
  "-a",
  "a.",
  ":",
  "@",
  "_",
  "-",
  "+",
  "%",
  "\\",
]);

it.each([...BEGINNINGS])("a text of nothing but %j is gone through, however long", (beginning) => {
  for (const first of ["", "eyJaaaaaaaa.eyJaaaaaaaa.", "://a:"]) {
    const text = first + beginning.repeat((1 << 17) / beginning.length);
    expect(withoutSecrets(text).text.length).toBeGreaterThan(0);
  }
});

it("finds what is as long as a payload can be", () => {
  const long = a(1 << 20);
  for (const text of [`ghp_${long}`, `sk-${long}`, `://u:${long}@`, `eyJ${long}.eyJ${long}.${long}`]) {
    expect(withoutSecrets(text).text).not.toContain("aa");
  }
});

describe("the quick look", () => {
  const piece = fc.oneof(
    fc.constantFrom(...SECRETS.map(([, secret]) => secret)),
    fc.constantFrom(...BEFORE, "://u:p@", "-----BEGIN PRIVATE KEY-----", "\u0001", "\u2028", "é", "\\", '"', "/"),
    fc.string({ unit: "binary", maxLength: 5 }),
  );
  const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join("").toWellFormed());

  it("misses nothing that would be left out, nor in the canonical text of a payload", () => {
    let left = 0;
    fc.assert(
      fc.property(text, text, (name, value) => {
        const payload = { [name]: [value] };
        const { redacted } = redact(payload, []);
        if (redacted.length === 0) return;
        left += 1;
        expect(mayHoldSecrets(canonical(payload))).toBe(true);
        expect(mayHoldSecrets(name) || mayHoldSecrets(value)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(left).toBeGreaterThan(50);
  });
});

function a(count: number): string {
  return "a".repeat(count);
}
