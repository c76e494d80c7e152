/** Hosts: names and addresses in one spelling, and whether they lead to the public Internet. */

import { domainToUnicode } from "node:url";

import ipaddr from "ipaddr.js";

/** A host as the URL standard reads it. */
export interface Host {
  /** A name in ASCII without a trailing dot, or an address in its shortest form. */
  readonly name: string;
  readonly isAddress: boolean;
  /** Whether it leads, or may lead, somewhere else than to a public host. */
  readonly isPrivate: boolean;
  /** Whether it was written as every reader writes it, case and a trailing dot aside. */
  readonly isPlain: boolean;
}

/**
 * Domains that are no part of the public name space (RFC 6761, RFC 6762, RFC 8375 and what networks commonly use), those that
 * routers answer for themselves, and public ones whose names resolve to whatever address they contain, or to loopback. There
 * are more, and new ones any day.
 */
const PRIVATE_DOMAINS: readonly string[] = (
  "localhost local localdomain internal intranet private lan home home.arpa corp test svc consul " +
  "fritz.box router.asus.com " +
  "nip.io sslip.io xip.io nip.sh traefik.me localtest.me lvh.me vcap.me lacolhost.com localho.st local-ip.co plex.direct " +
  "rbndr.us 1u.ms backname.io rebind.network"
).split(" ");

/** Cloud metadata at addresses that are public by their range. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set(["168.63.129.16"]);

/** Addresses of 2000::/3, which is all that is routed publicly (RFC 4291). */
const GLOBAL_IPV6 = ipaddr.parseCIDR("2000::/3");

/** Reads a host as it stands in a URL, or in a pattern; `undefined` when it is none. */
export function readHost(written: string): Host | undefined {
  if (written === "" || /[\s/\\?#@]|:\d*$/.test(written.replace(/^\[[^\]]*\]$/, ""))) return undefined;
  let hostname: string;
  try {
    ({ hostname } = new URL(`https://${written}/`));
  } catch {
    return undefined;
  }
  const name = hostname.replace(/\.$/, "");
  if (name === "") return undefined;
  const address = name.startsWith("[") ? name.slice(1, -1) : name;
  const isAddress = ipaddr.isValid(address);
  const spelt = written.toLowerCase().replace(/\.$/, "");
  return {
    name,
    isAddress,
    isPrivate: isAddress ? isPrivateAddress(address) : isPrivateName(name),
    isPlain: spelt === name || spelt === domainToUnicode(name),
  };
}

function isPrivateName(name: string): boolean {
  return !name.includes(".") || PRIVATE_DOMAINS.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

/** Whatever is not plainly public: private, loopback, link-local, multicast, reserved, and addresses that hold others. */
function isPrivateAddress(text: string): boolean {
  const address = ipaddr.parse(text);
  if (address.range() !== "unicast" || METADATA_ADDRESSES.has(address.toString())) return true;
  return address instanceof ipaddr.IPv6 && (!address.match(GLOBAL_IPV6) || isIsatap(address));
}

/** Whether the second half of an address holds an IPv4 address, to which a router may pass what it gets (RFC 5214). */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  // Two bits of the first part say how unique it is.
  return ((parts[4] ?? 0) & 0xfcff) === 0 && parts[5] === 0x5efe;
}
