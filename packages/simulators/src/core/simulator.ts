import type { FastifyInstance } from 'fastify';
import type { SimulatorControl } from './control.ts';
import type { Ledger } from './ledger.ts';

/** A simulated platform before it listens anywhere. */
export interface PlatformSimulator<Fact> {
  readonly apiKey: string;
  readonly control: SimulatorControl;
  readonly ledger: Ledger<Fact>;
  /** Adds the platform's hooks and routes to a (prefixed, encapsulated) fastify instance. */
  readonly install: (app: FastifyInstance) => Promise<void>;
}
