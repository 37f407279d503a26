import type { NamespaceMentions } from '@full-sync/runtime';
import { destinationFields, destinationNames } from '@full-sync/schemas';
import type { DestinationName } from '@full-sync/schemas';
import type { ApiConfig } from './config.ts';
import type { SyncConfig } from './domain/execute-request.ts';

/** The destinations that a job asks for, in one order. */
export function askedDestinations(config: SyncConfig): readonly DestinationName[] {
  return destinationNames.filter((name) => config[destinationFields[name]]);
}

type Settings = Pick<
  ApiConfig,
  | 'MIXPANEL_PROJECT_ID'
  | 'MIXPANEL_SERVICE_ACCOUNT_USERNAME'
  | 'MIXPANEL_SERVICE_ACCOUNT_SECRET'
  | 'MIXPANEL_PROJECT_TOKEN'
  | 'ATTIO_API_KEY'
>;

const variables: Readonly<Record<DestinationName, string>> = {
  mixpanel:
    'MIXPANEL_PROJECT_ID with MIXPANEL_SERVICE_ACCOUNT_USERNAME and MIXPANEL_SERVICE_ACCOUNT_SECRET, or MIXPANEL_PROJECT_TOKEN',
  attio: 'ATTIO_API_KEY',
};

/** Whether the destination's own variables are set on the server. */
function hasDefault(name: DestinationName, settings: Settings): boolean {
  if (name === 'attio') return settings.ATTIO_API_KEY !== undefined;
  const account = [
    settings.MIXPANEL_PROJECT_ID,
    settings.MIXPANEL_SERVICE_ACCOUNT_USERNAME,
    settings.MIXPANEL_SERVICE_ACCOUNT_SECRET,
  ];
  return settings.MIXPANEL_PROJECT_TOKEN !== undefined || account.every((value) => value !== undefined);
}

/** A sentence for each destination that a job asks for and that has no credentials for some of its namespaces. */
export function destinationWarnings(
  config: SyncConfig,
  settings: Settings,
  mentions: NamespaceMentions,
): readonly string[] {
  return askedDestinations(config).flatMap((name) => {
    const without = config.namespaces.filter((namespace) => !(mentions(namespace, name) ?? hasDefault(name, settings)));
    if (without.length === 0) return [];
    const whose = without.length === config.namespaces.length ? '' : ` of namespace ${without.join(', ')}`;
    return [
      `${destinationFields[name]}: there are no credentials for ${name} (${variables[name]}, or NAMESPACES_FILE): events${whose} are skipped there; once there are some, "cli deliver" sends them`,
    ];
  });
}
