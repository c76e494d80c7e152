/** Finds secrets by their form, for those that nobody thought to name. Only formats that are unmistakable are here. */

interface SecretFormat {
  readonly name: string;
  /**
   * Looked for from the beginning of a token only, and with bounded repetition: the text comes from outside, and a
   * search must stay linear in it.
   */
  readonly pattern: RegExp;
}

// The prefixes are those that the issuers document for their tokens; the JSON Web Token is RFC 7519's, in the compact
// form of RFC 7515; the private key is RFC 7468's.
const FORMATS: readonly SecretFormat[] = [
  {
    name: "private key",
    pattern:
      /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----(?:[\s\S]{0,16384}?-----END [A-Z ]{0,32}PRIVATE KEY-----|[\s\S]{0,16384})/g,
  },
  { name: "signing key", pattern: /PRIVATE\+KEY\+[^\s+]{1,256}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{40,64}/g },
  { name: "AWS access key", pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/g },
  { name: "GitHub token", pattern: /(?<![A-Za-z0-9_])(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_\w{22,255})/g },
  { name: "GitLab token", pattern: /(?<![\w-])glpat-[\w-]{20,64}/g },
  { name: "Slack token", pattern: /(?<![\w-])xox[abeoprs]-[A-Za-z0-9-]{10,250}/g },
  { name: "Stripe key", pattern: /(?<!\w)[rs]k_(?:live|test)_[A-Za-z0-9]{16,247}/g },
  { name: "Google API key", pattern: /(?<![\w-])AIza[\w-]{35}/g },
  { name: "npm token", pattern: /(?<!\w)npm_[A-Za-z0-9]{36}/g },
  { name: "model provider key", pattern: /(?<![\w-])sk-[\w-]{20,250}/g },
  { name: "JSON Web Token", pattern: /(?<![\w-])eyJ[\w-]{8,8192}\.eyJ[\w-]{8,8192}\.[\w-]{8,8192}/g },
  {
    name: "password in a URL",
    pattern: /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@]{0,128}:[^\s/@]{1,256}@/gi,
  },
];

/** The beginnings of all of {@link FORMATS}. What has none of them has no secret, and one look at it will do. */
const BEGINNING =
  /-----BEGIN |PRIVATE\+KEY\+|AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|[rs]k_|AIza|npm_|sk-|eyJ|:\/\//;

/**
 * Whether a secret may be in `text`. For canonical JSON text too, which escapes no character of any beginning (RFC 8785,
 * 3.2.2.2).
 */
export function mayHoldSecrets(text: string): boolean {
  return BEGINNING.test(text);
}

/** `text` with every secret that is recognised replaced by `[redacted: <format>]`, and the formats that were found. */
export function withoutSecrets(text: string): { readonly text: string; readonly found: readonly string[] } {
  if (!mayHoldSecrets(text)) return { text, found: [] };
  let safe = text;
  const found: string[] = [];
  for (const { name, pattern } of FORMATS) {
    const replaced = safe.replaceAll(pattern, `[redacted: ${name}]`);
    if (replaced === safe) continue;
    safe = replaced;
    found.push(name);
  }
  return { text: safe, found };
}
