/** A record to publish; without a value it says on a compacted topic that its key is gone. */
export interface OutgoingRecord<Value extends Buffer | null = Buffer> {
  readonly partition: number;
  readonly key: Buffer | string | null;
  readonly value: Value;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the broker acknowledged for one partition of a send: the records lie at `firstOffset..lastOffset`. */
export interface Acknowledgement {
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export type AnyRecord = OutgoingRecord<Buffer | null>;
