import type { FastifyInstance } from 'fastify';
import type { AccountControl, SimulatorControl } from './control.ts';

/** A simulated platform that is written to: what it holds is what it was sent. */
export interface SinkSimulator {
  readonly control: SimulatorControl;
  readonly ledger: { lines(options?: { readonly view?: string }): Generator<string> };
  readonly configure: (settings: Readonly<Record<string, unknown>>) => void;
  readonly counts: () => object;
  readonly install: (app: FastifyInstance) => Promise<void>;
}

function nothingOfItsOwn(): never {
  throw new Error('this platform holds only what it was sent: it has no campaigns and no calendar');
}

/** The account of a platform that is written to: nothing happens in it by itself. */
export const sinkAccount: AccountControl = { deleteCampaign: nothingOfItsOwn, advance: nothingOfItsOwn };
