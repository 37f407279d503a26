/** The destinations that jobs and NAMESPACES_FILE can name, by the field of a job that asks for them. */
export const destinationFields = {
  mixpanel: 'enableMixpanelTracking',
  attio: 'enableAttioSync',
} as const;

export type DestinationName = keyof typeof destinationFields;

export const destinationNames: readonly DestinationName[] = ['mixpanel', 'attio'];
