import { isPlatform, platforms as knownPlatforms } from '@full-sync/schemas';
import type { Platform } from '@full-sync/schemas';
import { readBound } from './date-range.ts';
import type { TimeRange } from './date-range.ts';

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
  readonly rateLimitOverride?: RateLimits;
  /** The same under the name that the usage guide gives it. */
  readonly rateLimitConfig?: RateLimits;
  readonly dateRange?: { readonly chunkSize?: number; readonly delay?: number };
}

export interface RateLimitOverride {
  readonly requestsPerSecond: number;
  readonly burstSize?: number;
  readonly retryAttempts?: number;
}

/** One for all platforms, or one for each. */
export type RateLimits = RateLimitOverride | Readonly<{ [P in Platform]?: RateLimitOverride }>;

/** What is asked for, with every default filled in; stored as the job's config and shown to users. */
export interface SyncConfig {
  readonly platforms: readonly Platform[];
  readonly syncMode: SyncMode;
  readonly namespaces: readonly string[];
  /** As given; only with `date_range`. */
  readonly startDate?: string;
  readonly endDate?: string;
  readonly batchSize: number | 'auto';
  readonly parallelWorkers: number;
  readonly enableProgressTracking: boolean;
  readonly enableMixpanelTracking: boolean;
  readonly enableAttioSync: boolean;
  readonly webhookUrl?: string;
  readonly rateLimitOverride?: RateLimits;
  readonly dateRange?: ExecuteBody['dateRange'];
}

interface RequestFault {
  readonly pointer: string;
  readonly message: string;
}

export type ParsedRequest =
  | {
      readonly ok: true;
      readonly config: SyncConfig;
      /** What the dates stand for; null in all modes but `date_range`. */
      readonly range: TimeRange | null;
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly faults: readonly RequestFault[] };

const modes = ['full_historical', 'delta_since_last', 'date_range', 'namespace_reset'] as const;
type SyncMode = (typeof modes)[number];

const defaultWorkers = 4;
const maxNamespaces = 100;
const namespacePattern = /^[a-z0-9_-]{1,63}$/;

/** Reads an execute body by the rules of the REST contract; all faults are reported at once. `nowMs` = ms since 1970. */
export function parseExecuteRequest(body: ExecuteBody, nowMs: number): ParsedRequest {
  const faults: RequestFault[] = [];
  const fault = (pointer: string, message: string): void => {
    faults.push({ pointer, message });
  };
  const platforms = readPlatforms(body.platforms, fault);
  const namespaces = readNamespaces(body.namespaces ?? 'default', fault);
  const syncMode = modes.find((mode) => mode === body.syncMode);
  if (syncMode === undefined)
    fault('/syncMode', `${body.syncMode} is not available in this release; available: ${modes.join(', ')}`);
  const range = readRange(body, fault);
  if (body.rateLimitOverride !== undefined && body.rateLimitConfig !== undefined)
    fault('/rateLimitConfig', 'is another name of rateLimitOverride: give one of them');
  if (body.webhookUrl !== undefined && !isWebUrl(body.webhookUrl))
    fault('/webhookUrl', 'expected an http or https URL without user name and password');
  if (faults.length > 0 || syncMode === undefined) return { ok: false, faults };
  const { startDate, endDate, webhookUrl, dateRange } = body;
  const rateLimitOverride = body.rateLimitOverride ?? body.rateLimitConfig;
  return {
    ok: true,
    range,
    warnings: [...warningsOf(body), ...rangeWarnings(range, platforms, nowMs)],
    config: {
      platforms,
      syncMode,
      namespaces,
      ...(startDate === undefined ? {} : { startDate: startDate.trim() }),
      ...(endDate === undefined ? {} : { endDate: endDate.trim() }),
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

/** The time that the dates stand for, both days included; null in all modes but `date_range`, and when one is at fault. */
function readRange(body: ExecuteBody, fault: AddFault): TimeRange | null {
  const boundOf = (edge: 'start' | 'end'): number | null => {
    const name = `${edge}Date` as const;
    const text = body[name];
    if (body.syncMode !== 'date_range') {
      if (text !== undefined) fault(`/${name}`, 'goes only with "syncMode": "date_range"');
      return null;
    }
    if (text === undefined) {
      fault(`/${name}`, 'is required with "syncMode": "date_range"');
      return null;
    }
    const bound = readBound(text, edge);
    if (bound === null)
      fault(`/${name}`, `${quote(text)} is no ISO 8601 date (2024-01-31) or date-time (2024-01-31T12:00:00Z)`);
    return bound;
  };
  const [startMs, endMs] = [boundOf('start'), boundOf('end')];
  if (startMs === null || endMs === null) return null;
  if (startMs <= endMs) return { startMs, endMs };
  fault('/startDate', 'is after endDate');
  return null;
}

/** What a range means that its users may not expect. */
function rangeWarnings(range: TimeRange | null, platforms: readonly Platform[], nowMs: number): readonly string[] {
  if (range === null) return [];
  const warnings: string[] = [];
  if (platforms.includes('smartlead'))
    warnings.push(
      'smartlead can only be asked by send time: all events of the emails sent in the range are read, whenever they happened, and no others',
    );
  if (range.startMs > nowMs) warnings.push('the range lies in the future: nothing is read');
  else if (range.endMs > nowMs + 86_400_000) warnings.push('the range ends in the future: it is read up to now');
  return warnings;
}

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
  if (body.dateRange?.chunkSize === undefined && (body.dateRange?.delay ?? 0) > 0)
    warnings.push('dateRange.delay has no effect without dateRange.chunkSize: there is one window');
  return warnings;
}
