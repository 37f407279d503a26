export const platforms = ['smartlead', 'lemlist'] as const;

export type Platform = (typeof platforms)[number];

/** True for the names of platforms that this release can read. */
export function isPlatform(value: unknown): value is Platform {
  return value === 'smartlead' || value === 'lemlist';
}
