export type { Delivery, Destination, Outgoing, Target, ToPayload } from './destination.ts';
export type { DeliveryCounts, Settle, WantedEvent, Work } from './work.ts';
