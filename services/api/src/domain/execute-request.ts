import { isPlatform, platforms as knownPlatforms } from '@full-sync/schemas';
import type { Platform } from '@full-sync/schemas';

/** The execute body as its schema lets it pass: types are right, the rules between the fields are not checked. */
export interface ExecuteBody {
  readonly platforms: string | readonly string[];
  readonly syncMode: string;
  readonly namespaces?: string | readonly string[];
  readonly startDate?: string;
  readonly endDate?: string;
  readonly batchSize?: number | 'auto';
  readonly enableProgressTracking?: boolean;
  readonly enableMixpanelTracking?: boolean;
  readonly enableAttioSync?: boolean;
  readonly webhookUrl?: string;
  readonly parallelWorkers?: number;
  readonly rateLimitOverride?: RateLimitOverride | Readonly<{ [P in Platform]?: RateLimitOverride }>;
  readonly dateRange?: { readonly chunkSize?: number; readonly delay?: number };
}

export interface RateLimitOverride {
  readonly requestsPerSecond: number;
  readonly burstSize?: number;
  readonly retryAttempts?: number;
}

/** What is asked for, with every default filled in; stored as the job's config and shown to users. */
export interface SyncConfig {
  readonly platforms: readonly Platform[];
  readonly syncMode: 'full_historical';
  readonly namespaces: readonly string[];
  readonly batchSize: number | 'auto';
  readonly parallelWorkers: number;
  readonly enableProgressTracking: boolean;
  readonly enableMixpanelTracking: boolean;
  readonly enableAttioSync: boolean;
  readonly webhookUrl?: string;
  readonly rateLimitOverride?: ExecuteBody['rateLimitOverride'];
  readonly dateRange?: ExecuteBody['dateRange'];
}

interface RequestFault {
  readonly pointer: string;
  readonly message: string;
}

export type ParsedRequest =
  | { readonly ok: true; readonly config: SyncConfig; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly faults: readonly RequestFault[] };

const defaultWorkers = 4;
const maxNamespaces = 100;
const namespacePattern = /^[a-z0-9_-]{1,63}$/;

/** Reads an execute body by the rules of the REST contract; all faults are reported at once. */
export function parseExecuteRequest(body: ExecuteBody): ParsedRequest {
  const faults: RequestFault[] = [];
  const fault = (pointer: string, message: string): void => {
    faults.push({ pointer, message });
  };
  const platforms = readPlatforms(body.platforms, fault);
  const namespaces = readNamespaces(body.namespaces ?? 'default', fault);
  if (body.syncMode !== 'full_historical')
    fault('/syncMode', `${body.syncMode} is not available in this release; available: full_historical`);
  if (body.syncMode !== 'date_range') {
    for (const name of ['startDate', 'endDate'] as const)
      if (body[name] !== undefined) fault(`/${name}`, 'goes only with "syncMode": "date_range"');
  }
  if (body.webhookUrl !== undefined && !isWebUrl(body.webhookUrl))
    fault('/webhookUrl', 'expected an http or https URL without user name and password');
  if (faults.length > 0) return { ok: false, faults };
  const { webhookUrl, rateLimitOverride, dateRange } = body;
  return {
    ok: true,
    warnings: warningsOf(body),
    config: {
      platforms,
      syncMode: 'full_historical',
      namespaces,
      batchSize: body.batchSize ?? 'auto',
      parallelWorkers: body.parallelWorkers ?? defaultWorkers,
      enableProgressTracking: body.enableProgressTracking ?? true,
      enableMixpanelTracking: body.enableMixpanelTracking ?? false,
      enableAttioSync: body.enableAttioSync ?? false,
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
      ...(rateLimitOverride === undefined ? {} : { rateLimitOverride }),
      ...(dateRange === undefined ? {} : { dateRange }),
    },
  };
}

type AddFault = (pointer: string, message: string) => void;

function readPlatforms(value: ExecuteBody['platforms'], fault: AddFault): readonly Platform[] {
  const platforms = new Set<Platform>();
  for (const [text, pointer] of readList(value, '/platforms')) {
    if (isPlatform(text)) platforms.add(text);
    else fault(pointer, `${quote(text)} is not a platform; known: ${knownPlatforms.join(', ')}`);
  }
  if (platforms.size === 0 && readList(value, '/platforms').length === 0)
    fault('/platforms', `expected at least one of ${knownPlatforms.join(', ')}`);
  return [...platforms];
}

function readNamespaces(value: string | readonly string[], fault: AddFault): readonly string[] {
  const items = readList(value, '/namespaces');
  for (const [text, pointer] of items) {
    if (!namespacePattern.test(text))
      fault(pointer, `${quote(text)} is not a namespace: 1 to 63 of a-z, 0-9, "_" and "-"`);
  }
  const namespaces = [...new Set(items.map(([text]) => text))];
  if (namespaces.length === 0) fault('/namespaces', 'expected at least one namespace');
  if (namespaces.length > maxNamespaces) fault('/namespaces', `expected at most ${maxNamespaces} namespaces`);
  return namespaces;
}

/** The items of a comma text or an array, trimmed, each with the pointer of its place. */
function readList(value: string | readonly string[], pointer: string): readonly (readonly [string, string])[] {
  if (typeof value !== 'string') return value.map((item, index) => [item.trim(), `${pointer}/${index}`]);
  const items = value.split(',').map((item) => item.trim());
  return items.filter((item) => item !== '').map((item) => [item, pointer]);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

function isWebUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '' && url.username === '' && url.password === ''
  );
}

/** What is accepted and stored, but changes nothing: said, so that nobody relies on it. */
function warningsOf(body: ExecuteBody): readonly string[] {
  const warnings: string[] = [];
  const ineffective = (field: keyof ExecuteBody, why: string): void => {
    warnings.push(`${field} has no effect: ${why}`);
  };
  if (body.enableProgressTracking === false) ineffective('enableProgressTracking', 'progress is always tracked');
  if (body.enableMixpanelTracking === true)
    ineffective('enableMixpanelTracking', 'no Mixpanel destination is configured');
  if (body.enableAttioSync === true) ineffective('enableAttioSync', 'no Attio destination is configured');
  if (body.webhookUrl !== undefined) ineffective('webhookUrl', 'this release sends no completion webhooks');
  if (body.rateLimitOverride !== undefined)
    ineffective('rateLimitOverride', 'the limits configured for the account apply');
  if (body.dateRange !== undefined) ineffective('dateRange', 'extraction windows are chosen by size');
  return warnings;
}
