import { lookup as resolveName } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';

/** Finds all addresses of a name; an argument, so that a test can be the name server. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

const systemResolve: Resolve = async (hostname) => await resolveName(hostname, { all: true, order: 'verbatim' });

/** Why an address is not called: it leads, or may lead, into the network that the server stands in. */
export class ForbiddenAddressError extends Error {
  readonly code = 'FORBIDDEN_ADDRESS';

  constructor(address: string) {
    super(`${address} is not a public address`);
    this.name = 'ForbiddenAddressError';
  }
}

/** IPv4 that the IANA registry of special-purpose addresses does not call globally reachable, and multicast. */
const notPublic4 = blockList('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // A public address by number, and the host's own metadata service by fact (Azure).
  '168.63.129.16/32',
]);

const global6 = blockList('ipv6', ['2000::/3']);
/** Parts of global unicast that are not: protocol assignments with Teredo, documentation, 6to4. */
const notPublic6 = blockList('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

function blockList(family: 'ipv4' | 'ipv6', subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** True for an address that is reached over the internet and nowhere else; false for anything that is no address. */
export function isPublicAddress(address: string): boolean {
  const [plain = ''] = address.split('%');
  switch (isIP(plain)) {
    case 4:
      return !notPublic4.check(plain, 'ipv4');
    case 6: {
      const inner = embedded4(plain);
      if (inner !== null) return isPublicAddress(inner);
      return global6.check(plain, 'ipv6') && !notPublic6.check(plain, 'ipv6');
    }
    default:
      return false;
  }
}

/** The IPv4 address in an IPv4-mapped (`::ffff:0:0/96`) or NAT64 (`64:ff9b::/96`) one: it is what gets called. */
function embedded4(address: string): string | null {
  const hostname = URL.parse(`http://[${address}]`)?.hostname ?? '';
  const [, high, low] = /^\[(?:::ffff|64:ff9b:):(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})\]$/.exec(hostname) ?? [];
  if (low === undefined) return null;
  const value = parseInt(high ?? '0', 16) * 65_536 + parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** Names that mean this machine without asking anybody. */
function isLocalName(hostname: string): boolean {
  return /(^|\.)localhost\.?$/i.test(hostname);
}

/**
 * The address for which a URL must not be called, or null. A name that does not resolve within `deadlineMs` is nobody's
 * address yet: it is looked at again when it is called.
 */
export async function forbiddenAddressOf(
  url: URL,
  { resolve = systemResolve, deadlineMs = 2_000 }: { readonly resolve?: Resolve; readonly deadlineMs?: number } = {},
): Promise<string | null> {
  const hostname = hostnameOf(url);
  if (isIP(hostname) !== 0) return isPublicAddress(hostname) ? null : hostname;
  if (isLocalName(hostname)) return hostname;
  const late = Promise.withResolvers<readonly LookupAddress[]>();
  const timer = setTimeout(() => {
    late.resolve([]);
  }, deadlineMs);
  const found = resolve(hostname).catch(() => []);
  const addresses = await Promise.race([found, late.promise]);
  clearTimeout(timer);
  return addresses.find(({ address }) => !isPublicAddress(address))?.address ?? null;
}

/**
 * A `lookup` for connections that fails with ForbiddenAddressError unless every address of the name is public. What it
 * gives is what gets called: a name that changes its address after the check of its URL passes no more than another.
 * Connections to an address in the URL itself do not ask it; see `assertCallable`.
 */
export function publicLookup(resolve: Resolve = systemResolve): LookupFunction {
  const publicAddressesOf = async (hostname: string): Promise<readonly LookupAddress[]> => {
    if (isLocalName(hostname)) throw new ForbiddenAddressError(hostname);
    const addresses = await resolve(hostname);
    const bad = addresses.find(({ address }) => !isPublicAddress(address));
    if (bad !== undefined) throw new ForbiddenAddressError(bad.address);
    return addresses;
  };
  const answer = async (...[hostname, options, callback]: Parameters<LookupFunction>): Promise<void> => {
    let addresses: readonly LookupAddress[];
    try {
      addresses = await publicAddressesOf(hostname);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), '');
      return;
    }
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else if (first !== undefined) callback(null, first.address, first.family);
    else callback(new Error(`${hostname} has no address`), '');
  };
  return (...call) => void answer(...call);
}

/** Refuses a URL whose host is an address that is not public: such a connection looks nothing up. */
export function assertCallable(url: URL): void {
  const hostname = hostnameOf(url);
  if (isIP(hostname) !== 0 && !isPublicAddress(hostname)) throw new ForbiddenAddressError(hostname);
}

function hostnameOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
