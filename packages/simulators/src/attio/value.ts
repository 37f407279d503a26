/** One value of an attribute, as it is stored. */
export interface Value {
  /** Equal values have equal keys; what a unique attribute holds once. */
  readonly key: string;
  /** As a test compares it. */
  readonly plain: unknown;
  /** The fields of the type, as the API shows them. */
  readonly fields: Readonly<Record<string, unknown>>;
}
