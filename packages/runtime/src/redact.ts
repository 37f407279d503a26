const mark = '[redacted]';
/** Shorter texts would match by chance and tear ordinary words out of logs. */
const minSecretLength = 8;
const maxTextLength = 8192;
const maxDepth = 8;
const maxItems = 100;

/** Values known to be secret in this process; only ever added to, so that nothing un-hides one. */
const knownSecrets = new Set<string>();

/**
 * Makes `redactText`, and with it every log line, hide `secret` wherever it turns up: as it is, URL-encoded, and as the
 * user name or password of HTTP Basic. Texts under 8 characters are left out.
 */
export function rememberSecret(secret: string): void {
  if (secret.length < minSecretLength) return;
  const basic = Buffer.from(`:${secret}`).toString('base64');
  for (const form of [secret, encodeURIComponent(secret), encodeURI(secret), basic, basic.replace(/=+$/, '')]) {
    knownSecrets.add(form);
    const inJson = JSON.stringify(form).slice(1, -1);
    if (inJson !== form) knownSecrets.add(inJson);
  }
}

const secretName =
  'api[_-]?key|(?:access|refresh|auth|project|session|bearer)[_-]?token|authorization|passwd|password|passphrase|' +
  '(?:client|account|webhook)[_-]?secret|secret(?:[_-]?(?:access)?[_-]?key)?|private[_-]?key|set-cookie|cookie';
const secretKey = new RegExp(`(?:${secretName})$|^token$`, 'i');
const bodyKey =
  /^(?:email_?(?:message|body)|reply_?(?:message|body)|sent_?message(?:_body)?|message_?body|preview_?text|html|body)$/i;

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"']*):[^\s"']*@/gi, `$1:${mark}@`],
  [/\b(Basic|Bearer)(\s+|%20)(?!auth|\[)[A-Za-z0-9+/=_.~:-]{6,}/gi, `$1 ${mark}`],
  [/\bfsk_([0-9a-f]+)_[A-Za-z0-9_-]+/g, `fsk_$1_${mark}`],
  [/\bwhsec_[A-Za-z0-9+/=_-]+/g, `whsec_${mark}`],
];

const namedValue = new RegExp(
  `((?:${secretName}|\\btoken)(?:\\\\?["'])?\\s*(?:[:=]|%3D)\\s*)(?!\\\\?["']?\\[redacted)` +
    `(\\\\"(?:[^"\\\\]|\\\\\\\\.)*\\\\"|"(?:[^"\\\\]|\\\\.)*"|'[^']*'|[^\\s,;&"'{}\\[\\])\\\\]+)`,
  'gi',
);

/** Keeps the quotes of the value, and gives it some where JSON needs them, so that a line of JSON stays one. */
function hideNamed(_match: string, name: string, value: string): string {
  const quote = /^\\?["']/.exec(value)?.[0] ?? (/[^\\]":\s*$/.test(name) ? '"' : '');
  return `${name}${quote}${mark}${quote}`;
}

/**
 * `text` without secrets (I7): those made known with `rememberSecret`, credentials in URLs and headers, and whatever
 * follows a name such as `api_key`, `password` or `authorization`. Rather hides too much than too little.
 */
export function redactText(text: string): string {
  let clean = text;
  for (const secret of knownSecrets) {
    if (clean.includes(secret)) clean = clean.replaceAll(secret, mark);
  }
  for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
  return clean.replace(namedValue, hideNamed);
}

/** A URL that can be shown: no password, and no value of a query parameter whose name is that of a secret. */
export function redactUrl(url: string | URL): string {
  const text = String(url);
  if (!URL.canParse(text)) return redactText(text);
  const shown = new URL(text);
  if (shown.password !== '') shown.password = 'redacted';
  for (const name of new Set(shown.searchParams.keys())) {
    if (secretKey.test(name)) shown.searchParams.set(name, 'redacted');
  }
  return redactText(shown.href);
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = { type: error.name, message: redactText(error.message) };
  // Only these: drivers hang whole rows and requests on their errors (`detail`, `config`, `request`).
  for (const name of ['code', 'hint', 'table', 'constraint', 'column', 'errno', 'syscall'] as const) {
    const value: unknown = Reflect.get(error, name);
    if (typeof value === 'string' || typeof value === 'number') fields[name] = redactAt(value, depth);
  }
  if (error.stack !== undefined) fields['stack'] = redactText(error.stack);
  if (error.cause !== undefined) fields['cause'] = redactAt(error.cause, depth + 1);
  if (error instanceof AggregateError) fields['errors'] = redactAt(error.errors, depth + 1);
  return fields;
}

function redactAt(value: unknown, depth: number): unknown {
  if (typeof value === 'string') {
    // Cut only what is clean already: half a secret would no longer be recognised.
    const clean = redactText(value);
    return clean.length > maxTextLength ? `${clean.slice(0, maxTextLength)}...` : clean;
  }
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= maxDepth) return '[deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return value;
  if (value instanceof URL) return redactUrl(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => redactAt(item, depth + 1));
  if (value instanceof Map) return redactEntries([...value], depth);
  return redactEntries(Object.entries(value), depth);
}

function redactEntries(entries: readonly (readonly [unknown, unknown])[], depth: number): Record<string, unknown> {
  return Object.fromEntries(
    entries.map(([key, item]): [string, unknown] => {
      const name = String(key);
      return [name, secretKey.test(name) || bodyKey.test(name) ? mark : redactAt(item, depth + 1)];
    }),
  );
}

/** A copy of `fields` for a log line: no secrets, no message bodies, errors as plain fields, bounded in size (I7). */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redactEntries(Object.entries(fields), 0);
}
