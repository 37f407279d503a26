export type { Delivery, Destination, Outgoing, Target, ToPayload } from './destination.ts';
export type { DeliveryCounts, Settle, WantedEvent, Work, WorkEnd } from './work.ts';
