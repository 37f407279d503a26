import { openActivities } from './open-activities.ts';
import { openCampaignList, openCampaignListing } from './open-discovery.ts';
import { openStatistics } from './open-statistics.ts';
import type { OpenWalk, WalkContext } from './walk-pages.ts';

/** Opens the walk of a claimed stream where its last committed chunk left it. */
export function openWalk(context: WalkContext): OpenWalk {
  const { kind, platform } = context.stream;
  switch (kind) {
    case 'discover':
      return platform === 'smartlead' ? openCampaignList(context) : openCampaignListing(context);
    case 'statistics':
      return openStatistics(context);
    case 'activities':
      return openActivities(context);
    default:
      throw new Error(`a stream of the unknown kind ${kind}`);
  }
}
