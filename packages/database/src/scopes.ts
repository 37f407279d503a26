/** What an API key may be allowed to do. `admin` allows everything. */
export const scopes = [
  'sync:read',
  'sync:execute',
  'sync:reset',
  'keys:read',
  'keys:write',
  'db:read',
  'db:optimize',
  'dlq:replay',
  'admin',
] as const;

export type Scope = (typeof scopes)[number];

/** True for a text that is one of the scopes. */
export function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text);
}
