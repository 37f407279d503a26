/** How requests prove who they are. */
export type HttpAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'query'; readonly name: string; readonly value: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string };

/** Takes the secrets of one credential out of a text. */
export type Redactor = (text: string) => string;

const mark = '[redacted]';

/** The `Authorization` of HTTP Basic. */
function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** The `authorization` header of a credential; nothing for one that travels elsewhere. */
export function authorizationOf(auth: HttpAuth): { readonly authorization?: string } {
  if (auth.kind === 'basic') return { authorization: basicHeader(auth.username, auth.password) };
  return auth.kind === 'bearer' ? { authorization: `Bearer ${auth.token}` } : {};
}

function formsOf(secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret), new URLSearchParams({ k: secret }).toString().slice(2)];
  return forms.flatMap((form) => [form, JSON.stringify(form).slice(1, -1)]);
}

/**
 * Hides the credential in every form in which an upstream or a library can give it back (as it is, URL-encoded, in
 * Base64, escaped for JSON), and the value of any parameter of its name (I7).
 */
export function createRedactor(auth: HttpAuth): Redactor {
  if (auth.kind === 'none') return (text) => text;
  const secret = auth.kind === 'query' ? auth.value : auth.kind === 'bearer' ? auth.token : auth.password;
  const forms = new Set(formsOf(secret));
  if (auth.kind === 'basic') {
    const encoded = basicHeader(auth.username, auth.password).slice('Basic '.length);
    for (const form of [encoded, encoded.replace(/=+$/, '')]) forms.add(form);
  }
  // Longest first: a form may hold a shorter one.
  const known = [...forms].filter((form) => form !== '').sort((a, b) => b.length - a.length);
  const parameter =
    auth.kind === 'query' ? new RegExp(`\\b(${RegExp.escape(auth.name)}(?:=|%3D))[^&\\s"'<>]+`, 'gi') : undefined;
  return (text) => {
    let clean = text;
    for (const form of known) clean = clean.replaceAll(form, mark);
    return parameter === undefined ? clean : clean.replace(parameter, `$1${mark}`);
  };
}

const maxDetailLength = 300;

/** A body or message as one short line for an error: without markup, without secrets, 300 characters at most. */
export function shortDetail(text: string, redact: Redactor): string {
  const line = redact(redact(text).replace(/<(script|style)\b[\s\S]*?<\/\1>|<[^>]*>/gi, ' '))
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > maxDetailLength ? `${line.slice(0, maxDetailLength - 3)}...` : line;
}
