/** How much data the simulated accounts hold. */
export interface SimulatorSize {
  readonly smartlead: { readonly campaigns: number; readonly rows: number };
  readonly lemlist: { readonly campaigns: number; readonly activities: number };
}

export const SIZES = {
  small: { smartlead: { campaigns: 8, rows: 300 }, lemlist: { campaigns: 8, activities: 300 } },
  demo: { smartlead: { campaigns: 20, rows: 18_000 }, lemlist: { campaigns: 12, activities: 24_000 } },
} as const satisfies Record<string, SimulatorSize>;

const BOUNDS = { campaigns: [1, 1_000], rows: [0, 10_000_000], activities: [1, 10_000_000] } as const;

/**
 * Reads `small`, `demo`, or JSON such as `{"smartlead":{"campaigns":4,"rows":1000}}`; what is missing is as in `demo`.
 * @throws Error when a number is missing, no integer or out of bounds.
 */
export function parseSize(text: string): SimulatorSize {
  if (text === 'small' || text === 'demo') return SIZES[text];
  const given = JSON.parse(text) as Partial<Record<keyof SimulatorSize, unknown>>;
  const smartlead = { ...SIZES.demo.smartlead, ...(given.smartlead as object | undefined) };
  const lemlist = { ...SIZES.demo.lemlist, ...(given.lemlist as object | undefined) };
  for (const [platform, numbers] of Object.entries({ smartlead, lemlist })) {
    for (const [name, value] of Object.entries(numbers)) {
      const bounds = BOUNDS[name as keyof typeof BOUNDS] as readonly [number, number] | undefined;
      if (bounds === undefined || !Number.isInteger(value) || value < bounds[0] || value > bounds[1]) {
        throw new Error(`size: ${platform}.${name} is not usable: ${String(value)}`);
      }
    }
  }
  return { smartlead, lemlist };
}
