import { isIP } from 'node:net';

/** True for names that only this machine can be reached by: `localhost`, `127.0.0.0/8` and `::1`. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (name === 'localhost' || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

/** The host name of a Host header, without its port; an empty text when it is unreadable. */
function hostNameOf(header: string): string {
  const url = URL.parse(`http://${header}`);
  return url === null || url.pathname !== '/' || url.username !== '' ? '' : url.hostname;
}

/**
 * Why a request to a server without keys is refused, or null: being open on loopback must not mean being open to every
 * web page in the user's browser (a page can send requests to loopback, and rebind a name of its own to it).
 */
export function refusalOf(headers: Readonly<Record<string, string | string[] | undefined>>): string | null {
  const host = String(headers['host'] ?? '');
  if (!isLoopbackHost(hostNameOf(host))) {
    return 'Without API keys only requests to a loopback host name are answered.';
  }
  const origin = headers['origin'];
  if (origin !== undefined && String(origin).toLowerCase() !== `http://${host.toLowerCase()}`) {
    return 'Without API keys requests from other web origins are refused.';
  }
  if (headers['sec-fetch-site'] === 'cross-site') return 'Without API keys cross-site requests are refused.';
  return null;
}
