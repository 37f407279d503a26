export type { Delivery, Destination, Outgoing, Target, ToPayload } from './destination.ts';
export type { DeliveryCounts, Settle, WantedEvent, Work, WorkEnd } from './work.ts';
export { startConsumer, startDestination } from './start-destination.ts';
export type { DestinationParts, DestinationSettings } from './start-destination.ts';
export { tally } from './domain/tally.ts';
export { createFoldInstruments, createRequestInstruments } from './metrics.ts';
export type { DestinationMetrics } from './metrics.ts';
export type { TargetStates } from './target-states.ts';
