/** The forms of secrets that are recognised wherever they stand. Only formats that are unmistakable are here. */

/**
 * A form that secrets have. The text that is searched comes from outside, and a search must stay linear in it: either
 * what follows a beginning is one run of characters without an end to wait for, or no beginning can lie within what was
 * looked at from another, but for a fixed number.
 */
export interface SecretFormat {
  readonly name: string;
  /** Every secret of the format begins so, in canonical JSON text too: it has no character that is escaped there. */
  readonly begins: RegExp;
  readonly rest: RegExp;
  /** What must lie before the beginning; absent where the beginning alone is telling enough. */
  readonly after?: string;
  /** Whether the beginning is not a part of the secret. */
  readonly keepsBeginning?: true;
}

/** The end of an escape: `\n` or `\u003d` in JSON inside a text, `%3D` in a URL. Its last letters are not a word's. */
const ESCAPE = String.raw`\\(?:[bfnrt]|u[\dA-Fa-f]{4})|%[\dA-Fa-f]{2}`;
/** Where a word begins, or what is attached to an option, `-p<token>`. */
const WORD = String.raw`(?:^|[^\w-]|${ESCAPE})(?:-[A-Za-z])?`;

/**
 * The prefixes are those that the issuers document for their tokens; the JSON Web Token is RFC 7519's, in the compact
 * forms of RFC 7515 and RFC 7516; the private key is RFC 7468's, and RFC 9580's for PGP.
 */
export const FORMATS: readonly SecretFormat[] = [
  {
    name: "private key",
    begins: /-----BEGIN /,
    rest: /[A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,16384}?-----END [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----|[\s\S]{0,16384})/,
  },
  { name: "signing key", begins: /PRIVATE\+KEY\+/, rest: /[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{40,}/ },
  { name: "AWS access key", begins: /A(?:KIA|SIA|BIA|CCA)/, rest: /[A-Z0-9]{16}(?![A-Za-z0-9])/ },
  { name: "GitHub token", begins: /gh[pousr]_/, rest: /[A-Za-z0-9]{36,}/ },
  { name: "GitHub token", begins: /github_pat_/, rest: /\w{22,}/ },
  {
    name: "GitLab token",
    begins: /gl(?:pat|dt|rt|ptt|cbt|agent|soat|oas|ft|imt)-/,
    // What may follow the dot is the token's length and checksum.
    rest: /[\w-]{20,}(?:\.[\da-z]{2}\.?[\da-z]{7,})?/,
  },
  { name: "Slack token", begins: /xox[abceoprs]-|xapp-/, rest: /[\w-]{10,}/ },
  // A cookie's value, which may be percent-encoded.
  { name: "Slack token", begins: /xoxd-/, rest: /[\w%/+=-]{10,}/ },
  { name: "Stripe key", begins: /[rs]k_(?:live|test)_/, rest: /[A-Za-z0-9]{16,}/, after: `(?:${WORD}|-)` },
  { name: "Stripe key", begins: /whsec_/, rest: /[A-Za-z0-9+/=]{24,}/ },
  { name: "Google API key", begins: /AIza/, rest: /[\w-]{35,}/ },
  { name: "Google OAuth credential", begins: /ya29\./, rest: /[\w.-]{20,}/ },
  { name: "Google OAuth credential", begins: /GOCSPX-/, rest: /[\w-]{20,}/ },
  { name: "npm token", begins: /npm_/, rest: /[A-Za-z0-9]{36,}/ },
  { name: "model provider key", begins: /sk-/, rest: /[\w-]{20,}/, after: WORD },
  {
    name: "JSON Web Token",
    begins: /eyJ/,
    // Five parts when it is encrypted, of which the second may be empty; else three.
    rest: /[\w-]{8,}\.(?:[\w-]*\.[\w-]{16,}\.[\w-]*\.[\w-]{22,}|eyJ[\w-]{8,}\.[\w-]{8,})/,
    after: WORD,
  },
  {
    name: "password in a URL",
    begins: /:\/\//,
    keepsBeginning: true,
    // Up to the last @ before the path, since the user and the password may have others. What RFC 3986 wants encoded
    // there ends a URL in the texts around it.
    rest: /[^\s/?#:"<>`]*:[^\s/?#"<>`]*@/,
  },
];
