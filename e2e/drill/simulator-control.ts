import type { ArrivedWrite } from './delivery-rates.ts';

/** What a simulated destination has counted. */
export interface MixpanelCounts {
  readonly requests: number;
  /** Events stored, copies included, and those that a report shows. */
  readonly accepted: number;
  readonly visible: number;
}

export interface AttioCounts {
  readonly throttled: number;
  readonly applied: number;
  readonly people: number;
  readonly busiestSecond: number;
  readonly mostInFlightPerPerson: number;
}

/** The strings of the simulators, which are a process of their own. */
export interface SimulatorControl {
  /** Lets things go wrong, each with the name of its platform. */
  readonly arm: (faults: readonly Readonly<Record<string, unknown>>[]) => Promise<void>;
  readonly clearFaults: () => Promise<void>;
  readonly set: (platform: string, settings: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly mixpanel: () => Promise<MixpanelCounts>;
  readonly attio: () => Promise<AttioCounts>;
  /** Writes of people as they arrived at Attio, in order; times in ms since 1970. */
  readonly attioWrites: () => Promise<readonly ArrivedWrite[]>;
}

/** Speaks to the simulators under their control address; throws with what they say when they refuse. */
export function createSimulatorControl(controlUrl: string): SimulatorControl {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${controlUrl}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the simulators answered ${method} ${path} with ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  return {
    arm: async (faults) => void (await call('POST', '/faults', faults)),
    clearFaults: async () => void (await call('DELETE', '/faults')),
    set: async (platform, settings) => void (await call('POST', '/settings', { platform, ...settings })),
    mixpanel: async () => (await call('GET', '/counts?platform=mixpanel')) as MixpanelCounts,
    attioWrites: async () => {
      const { timeOrigin, arrivals } = (await call('GET', '/arrivals?platform=attio')) as {
        readonly timeOrigin: number;
        readonly arrivals: readonly (ArrivedWrite & { readonly path: string })[];
      };
      return arrivals
        .filter(({ path }) => path.endsWith('/objects/people/records'))
        .map(({ at, accepted }) => ({ at: timeOrigin + at, accepted }));
    },
    attio: async () => (await call('GET', '/counts?platform=attio')) as AttioCounts,
  };
}
