import type { FastifyInstance } from 'fastify';
import fastify from 'fastify';
import type { AttioOptions } from './attio/options.ts';
import type { AttioPlatform } from './attio/simulator.ts';
import { buildAttio } from './attio/simulator.ts';
import type { Controlled } from './core/control-routes.ts';
import { controlRoutes } from './core/control-routes.ts';
import type { SimulatorControl } from './core/control.ts';
import type { Ledger } from './core/ledger.ts';
import type { PlatformSimulator } from './core/simulator.ts';
import type { LemlistFact } from './lemlist/ledger.ts';
import type { LemlistOptions } from './lemlist/simulator.ts';
import { buildLemlist } from './lemlist/simulator.ts';
import type { MixpanelOptions } from './mixpanel/options.ts';
import type { MixpanelPlatform } from './mixpanel/simulator.ts';
import { buildMixpanel } from './mixpanel/simulator.ts';
import type { SimulatorSize } from './size.ts';
import { SIZES } from './size.ts';
import type { SmartleadFact } from './smartlead/ledger.ts';
import type { SmartleadOptions } from './smartlead/simulator.ts';
import { buildSmartlead } from './smartlead/simulator.ts';

const SMARTLEAD_PREFIX = '/smartlead/api/v1';
const LEMLIST_PREFIX = '/lemlist/api';
const MIXPANEL_PREFIX = '/mixpanel';
const ATTIO_PREFIX = '/attio/v2';
const CONTROL_PREFIX = '/_control';

/** One simulated platform as a fastify app of its own. */
export interface Simulator<Fact> {
  readonly app: FastifyInstance;
  readonly apiKey: string;
  readonly control: SimulatorControl;
  readonly ledger: Ledger<Fact>;
}

/** A simulated platform that is written to, as a fastify app of its own. */
export type Sink<Platform> = Omit<Platform, 'install'> & { readonly app: FastifyInstance };

function createApp(): FastifyInstance {
  return fastify({
    forceCloseConnections: true,
    // A client that goes away and a route that is damaged on purpose are no news.
    logger: false,
    routerOptions: { ignoreTrailingSlash: true },
  });
}

function mount(app: FastifyInstance, prefix: string, simulator: Pick<PlatformSimulator<unknown>, 'install'>): void {
  app.register(simulator.install, { prefix });
}

function mountControl(app: FastifyInstance, platforms: ReadonlyMap<string, Controlled>): void {
  app.register(async (scope) => controlRoutes(scope, platforms), { prefix: CONTROL_PREFIX });
}

/** Smartlead alone, under `/api/v1`; the caller listens and closes. */
export function createSmartleadSimulator(options: SmartleadOptions = {}): Simulator<SmartleadFact> {
  const app = createApp();
  const simulator = buildSmartlead(options);
  mount(app, '/api/v1', simulator);
  mountControl(app, new Map([['smartlead', simulator]]));
  return { app, apiKey: simulator.apiKey, control: simulator.control, ledger: simulator.ledger };
}

/** Lemlist alone, under `/api`; the caller listens and closes. */
export function createLemlistSimulator(options: LemlistOptions = {}): Simulator<LemlistFact> {
  const app = createApp();
  const simulator = buildLemlist(options);
  mount(app, '/api', simulator);
  mountControl(app, new Map([['lemlist', simulator]]));
  return { app, apiKey: simulator.apiKey, control: simulator.control, ledger: simulator.ledger };
}

/** Mixpanel alone, without a prefix; the caller listens and closes. */
export function createMixpanelSimulator(options: MixpanelOptions = {}): Sink<MixpanelPlatform> {
  const app = createApp();
  const platform = buildMixpanel(options);
  mount(app, '', platform);
  mountControl(app, new Map([['mixpanel', platform]]));
  return { app, ...platform };
}

/** Attio alone, under `/v2`; the caller listens and closes. */
export function createAttioSimulator(options: AttioOptions = {}): Sink<AttioPlatform> {
  const app = createApp();
  const platform = buildAttio(options);
  mount(app, '/v2', platform);
  mountControl(app, new Map([['attio', platform]]));
  return { app, ...platform };
}

export interface StartOptions {
  /** 0 takes a free port. */
  readonly port?: number;
  readonly host?: string;
  readonly seed?: number;
  readonly size?: SimulatorSize;
  readonly smartlead?: SmartleadOptions;
  readonly lemlist?: LemlistOptions;
  readonly mixpanel?: MixpanelOptions;
  readonly attio?: AttioOptions;
}

/** All platforms on one listening port. */
export interface RunningSimulators {
  readonly smartlead: Omit<Simulator<SmartleadFact>, 'app'> & { readonly baseUrl: string };
  readonly lemlist: Omit<Simulator<LemlistFact>, 'app'> & { readonly baseUrl: string };
  readonly mixpanel: Omit<MixpanelPlatform, 'install'> & { readonly baseUrl: string };
  readonly attio: Omit<AttioPlatform, 'install'> & { readonly baseUrl: string };
  readonly controlUrl: string;
  /** Stops listening and drops open connections. */
  close(): Promise<void>;
}

/** Starts all platforms on one port of `host` (loopback unless said otherwise). */
export async function startSimulators(options: StartOptions = {}): Promise<RunningSimulators> {
  const { port = 0, host = '127.0.0.1', seed = 1, size = SIZES.demo } = options;
  const app = createApp();
  const smartlead = buildSmartlead({ seed, ...size.smartlead, ...options.smartlead });
  const lemlist = buildLemlist({ seed, ...size.lemlist, ...options.lemlist });
  const mixpanel = buildMixpanel(options.mixpanel);
  const attio = buildAttio(options.attio);
  mount(app, SMARTLEAD_PREFIX, smartlead);
  mount(app, LEMLIST_PREFIX, lemlist);
  mount(app, MIXPANEL_PREFIX, mixpanel);
  mount(app, ATTIO_PREFIX, attio);
  mountControl(
    app,
    new Map<string, Controlled>([
      ['smartlead', smartlead],
      ['lemlist', lemlist],
      ['mixpanel', mixpanel],
      ['attio', attio],
    ]),
  );
  const origin = await app.listen({ port, host });
  return {
    smartlead: { ...smartlead, baseUrl: `${origin}${SMARTLEAD_PREFIX}` },
    lemlist: { ...lemlist, baseUrl: `${origin}${LEMLIST_PREFIX}` },
    mixpanel: { ...mixpanel, baseUrl: `${origin}${MIXPANEL_PREFIX}` },
    attio: { ...attio, baseUrl: `${origin}${ATTIO_PREFIX}` },
    controlUrl: `${origin}${CONTROL_PREFIX}`,
    close: () => app.close(),
  };
}
