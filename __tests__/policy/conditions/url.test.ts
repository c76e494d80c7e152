import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Answer } from "../../../src/policy/answer.ts";
import { issuesIn } from "../load-errors.ts";
import { asked } from "./asked.ts";

const allow = (terms: object, url: unknown): Answer => asked("allow", "url", terms, { url });
const deny = (terms: object, url: unknown): Answer => asked("deny", "url", terms, { url });

const api = { hosts: ["api.example.com", "*.docs.example.com"], schemes: "https" };
const anyHost = { hosts: "*" };

describe("url in an allow rule", () => {
  it.each<[object, unknown, Answer]>([
    [api, "https://api.example.com", "yes"],
    [api, "https://api.example.com/x?y#z", "yes"],
    [api, "HTTPS://API.example.COM./", "yes"],
    [api, "https://api.example.com:443/", "yes"],
    [api, "https://a.b.docs.example.com/", "yes"],
    [api, "https://docs.example.com/", "no"],
    [api, "https://.docs.example.com/", "maybe"],
    [api, "https://a..docs.example.com/", "maybe"],
    [api, "https://*.docs.example.com/", "maybe"],
    [api, "https://api.example.com:8443/", "no"],
    [api, "http://api.example.com/", "no"],
    [api, "https://api.example.com.evil.net/", "no"],
    [api, "https://api.example.com%2eevil.net/", "maybe"],
    [api, "https://evil.net/?https://api.example.com/", "no"],
    [{ ...api, ports: [443, 8443] }, "https://api.example.com:8443/", "yes"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com/v1/orders/7", "yes"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com/v1", "yes"],
    [{ ...api, paths: "/v1/*" }, "https://api.example.com/v1/a/b", "no"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com/v1/../admin", "no"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com/v1/%2e%2e/admin", "no"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com/v1/..%2fadmin", "maybe"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com/v1/%252e%252e/admin", "maybe"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com/v1/..;/admin", "maybe"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com//v1/x", "maybe"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com/V1/x", "maybe"],
    [{ ...api, paths: "/v1/**" }, "https://api.example.com/%76%31/x", "yes"],
    [anyHost, "http://example.com/", "yes"],
    [anyHost, "ftp://example.com/", "no"],
    [anyHost, "http://8.8.8.8/", "yes"],
    [anyHost, "http://[2606:4700::1111]/", "yes"],
    [anyHost, "http://10.1.2.3/", "no"],
    [{ hosts: "*", private: "allow" }, "http://10.1.2.3/", "yes"],
    [{ hosts: "10.1.2.3" }, "http://10.1.2.3/", "yes"],
    [{ hosts: ["*", "10.1.2.3"] }, "http://10.1.2.4/", "no"],
    [{ hosts: "[::1]" }, "http://[::1]/", "yes"],
    [{ hosts: "localhost", ports: 8080 }, "http://localhost:8080/", "yes"],
    [{ hosts: "*.svc.internal" }, "http://a.svc.internal/", "yes"],
    [{ hosts: "bücher.example.com" }, "https://bücher.example.com/", "yes"],
    [{ hosts: "bücher.example.com" }, "https://xn--bcher-kva.example.com/", "yes"],
    [{ schemes: "https" }, "https://example.com/", "yes"],
    [{ schemes: "mailto" }, "mailto:a@example.com", "yes"],
    [{ schemes: "mailto", hosts: "*" }, "mailto:a@example.com", "maybe"],
    [api, 5, "maybe"],
    [api, ["https://api.example.com/", "https://a.docs.example.com/"], "yes"],
    [api, ["https://api.example.com/", "https://evil.net/"], "maybe"],
  ])("%j with %j: %s", (terms, url, answer) => {
    expect(allow(terms, url)).toBe(answer);
  });

  it.each([
    [
      "user names",
      [
        "https://user@api.example.com/",
        "https://a:b@api.example.com/",
        "https://@api.example.com/",
        "https://a@b@api.example.com/",
      ],
    ],
    [
      "backslashes",
      ["https://api.example.com\\@evil.net/", "https:\\\\api.example.com/", "https://evil.net\\.api.example.com/"],
    ],
    [
      "dropped characters",
      [
        "https://api.exam\tple.com/",
        "https://api.example.com/\n",
        " https://api.example.com/",
        "https://api.exa\u00admple.com/",
      ],
    ],
    [
      "missing slashes",
      [
        "https:api.example.com/",
        "https:/api.example.com/",
        "https:///api.example.com/",
        "//api.example.com/",
        "api.example.com/x",
      ],
    ],
    ["an @ after a mark", ["https://api.example.com?@evil.net/", "https://api.example.com#@evil.net/"]],
    [
      "letters that stand for others",
      [
        "https://ａｐｉ.example.com/",
        "https://api。example.com/",
        "https://api%2eexample.com/",
        "https://ⓐpi.example.com/",
      ],
    ],
    [
      "no URL at all",
      [
        "",
        " ",
        "https://",
        "https://exa mple.com/",
        "https://[::1/",
        "https://api.example.com:99999/",
        "x".repeat(20_000),
      ],
    ],
  ])("is not certain about %s", (_, urls) => {
    for (const url of urls) {
      expect([url, allow(api, url)]).toEqual([url, "maybe"]);
      if (!url.includes("@") || /[\\?#]|@.*@/.test(url))
        expect([url, deny({ hosts: "evil.net" }, url)]).toEqual([url, "maybe"]);
    }
  });
});

describe("private addresses", () => {
  it.each([
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "127.1",
    "127.0.0.1",
    "0x7f.1",
    "017700000001",
    "2130706433",
    "0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::a00:1]",
    "[2002:a00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "[fec0::1]",
    "[::7f00:1]",
    "[2001:db8::1]",
    "[ff02::1]",
    "intranet",
    "db.internal",
    "nas.local",
    "router.lan",
    "metadata.google.internal",
    "127.0.0.1.nip.io",
    "localtest.me",
    "[2001:4860::5efe:7f00:1]",
    "[2001:4860::200:5efe:a00:1]",
    "kubernetes.default.svc",
    "web.service.consul",
    "fritz.box",
    "router.asus.com",
    "10-0-0-1.x.local-ip.co",
    "10-0-0-1.x.plex.direct",
    "7f000001.08080808.rbndr.us",
    "make-10-0-0-1-rr.1u.ms",
    "localho.st",
    "10.0.0.1.backname.io",
    "a.rebind.network",
  ])("%s is one", (host) => {
    const url = `http://${host}/`;
    expect(allow(anyHost, url)).not.toBe("yes");
    expect(deny({ private: "deny" }, url)).not.toBe("no");
    expect(asked("require_approval", "url", { hosts: "*", private: "deny" }, { url })).not.toBe("yes");
  });

  it.each([
    "example.com",
    "8.8.8.8",
    "[2606:4700::1111]",
    "[2606:4700::5eff:7f00:1]",
    "172.15.0.1",
    "notlocalhost.com",
    "www.asus.com",
    "svc.example.com",
  ])("%s is none", (host) => {
    expect(allow(anyHost, `http://${host}/`)).toBe("yes");
    expect(deny({ private: "deny" }, `http://${host}/`)).toBe("no");
  });
});

describe("url in a deny rule", () => {
  it.each<[object, unknown, Answer]>([
    [{ hosts: "evil.net" }, "https://evil.net:8443/", "yes"],
    [{ hosts: "evil.net" }, "gopher://evil.net/", "maybe"],
    [{ hosts: "evil.net" }, "https://user@evil.net/", "yes"],
    [{ hosts: "evil.net" }, "https://user@good.net/", "no"],
    [{ hosts: "*.evil.net" }, "https://a.b.evil.net/", "yes"],
    [{ hosts: "evil.net" }, "https://good.net/", "no"],
    [{ hosts: "*" }, "http://10.0.0.1/", "yes"],
    [{ hosts: "evil.net", schemes: "https" }, "http://evil.net/", "no"],
    [{ schemes: ["file", "javascript"] }, "file:///etc/passwd", "yes"],
    [{ schemes: ["file", "javascript"] }, "javascript:alert(1)", "yes"],
    [{ schemes: ["file", "javascript"] }, "java\nscript:alert(1)", "maybe"],
    [{ schemes: ["file", "javascript"] }, "https://x.net/", "no"],
    [{ hosts: "evil.net" }, "view-source:https://evil.net/", "maybe"],
    [{ hosts: "*", private: "allow" }, "http://10.0.0.1/", "no"],
    [{ ports: 22 }, "http://x.net:22/", "yes"],
  ])("%j with %j: %s", (terms, url, answer) => {
    expect(deny(terms, url)).toBe(answer);
  });
});

describe("url", () => {
  it("is about the fields it names, those that usually hold one, or the only text", () => {
    expect(asked("allow", "url", api, { url: "https://api.example.com/", uri: "https://evil.net/" })).toBe("maybe");
    expect(asked("allow", "url", api, { target: "https://api.example.com/", retries: 3 })).toBe("yes");
    expect(asked("allow", "url", api, { request: { to: "https://api.example.com/" } })).toBe("yes");
    expect(asked("allow", "url", api, { to: "https://api.example.com/", note: "x" })).toBe("maybe");
    expect(asked("deny", "url", api, { to: "https://evil.net/", note: "x" })).toBe("maybe");
    expect(asked("deny", "url", api, { retries: 3 })).toBe("no");
    expect(asked("allow", "url", { ...api, field: "to" }, { to: "https://api.example.com/", note: "x" })).toBe("yes");
    expect(asked("allow", "url", { ...api, field: "to" }, { url: "https://api.example.com/" })).toBe("no");
  });

  it.each([
    ["{}", "must not be empty"],
    ["{field: x}", "says nothing about URLs"],
    ["{hosts: 'https://x.net'}", "is not a host"],
    ["{hosts: [x.net, 'x.net:80']}", "is not a host"],
    ["{hosts: 'a*.x.net'}", "is not a host"],
    ["{hosts: '*.10.0.0.1'}", "is not a host"],
    ["{schemes: 'https:'}", "a scheme such as https"],
    ["{ports: 70000}", "at most 65535"],
    ["{private: no}", "deny or allow"],
  ])("refuses %s", (written, message) => {
    const [issue] = issuesIn(`allow:\n  - {capability: a.b, url: ${written}}\n`);
    expect(issue).toMatchObject({ line: 2 });
    expect(issue?.message).toContain(message);
  });

  it("never allows a host other than the URL standard reads, nor throws", () => {
    const part = fc.constantFrom(
      "https://",
      "http:",
      "//",
      "/",
      "\\",
      "@",
      ":",
      "api.example.com",
      "evil.net",
      ".",
      "?",
      "#",
      "%2e",
      "\t",
      "。",
      ":443",
      "[::1]",
      "127.1",
      " ",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(part).map((parts) => parts.join("")),
          fc.webUrl(),
          fc.string({ unit: "binary" }),
        ),
        (text) => {
          if (!text.isWellFormed() || allow({ hosts: "api.example.com" }, text) !== "yes") return;
          const { hostname, username, port } = new URL(text);
          expect([hostname.replace(/\.$/, ""), username, port]).toEqual(["api.example.com", "", ""]);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
