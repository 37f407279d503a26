/** What `sync.control` can tell the copies of a service; the key of the message. */
export const controlSubjects = {
  /** Every keyer forgets the keys that it remembers. */
  clearKeyCache: 'event-keys.cache.clear',
} as const;

/** The gauges of a keyer on `service.telemetry`. */
export const keyerGauges = {
  /** Keys remembered now. */
  cacheSize: 'cache_size',
  /** Keys looked up since the process began, and how many of them were remembered. */
  cacheLookups: 'cache_lookups',
  cacheHits: 'cache_hits',
  keysPerSecond: 'keys_per_second',
  /** `issued_at` of the latest order to clear that was followed, ms since 1970; 0 = none. */
  clearedAt: 'cache_cleared_at',
} as const;

export const keyerService = 'keyer';

/** How often gauges are published, and how old they may be before their process counts as gone, ms. */
export const telemetryEveryMs = 2_000;
export const telemetryStaleMs = 30_000;
