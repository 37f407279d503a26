import type { DestinationParts, Settling } from '@full-sync/destinations';
import { createSender } from '@full-sync/http-client';
import { parseRateLimit, resting } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import { requestTimeoutMs } from './attio.ts';
import { createBuryRefused } from './bury-refused.ts';
import { createFold } from './fold-work.ts';
import type { Keys } from './keys.ts';
import { createAttioMetrics } from './metrics.ts';
import { countOpenPeople } from './people.ts';
import { createWorkspaceWatch } from './workspace-watch.ts';
import { createWorkspaces } from './workspaces.ts';
import type { Workspace } from './workspaces.ts';
import { mostWrites, writePeople } from './write-people.ts';

export interface AttioSettings {
  readonly ATTIO_BASE_URL: string;
  readonly ATTIO_RATE_LIMIT: string;
  readonly ATTIO_ACTIVITIES: boolean;
}

/** Between two counts of the people that are not written yet. */
const countEveryMs = 10_000;
/** Workspaces that are written at full pace at once; more share the connections. */
const busyWorkspaces = 2;

/**
 * Starts what writes people, a loop for each workspace, and returns what folds events into them: the two meet in
 * Postgres alone, so that neither waits for the other.
 */
export function startAttio(parts: DestinationParts, config: AttioSettings, keys: Keys): Settling {
  const { scope, db, states, clock } = parts;
  const { logger, signal: draining } = scope;
  const metrics = createAttioMetrics(scope.metrics, parts.metrics);
  const sender = scope.use(
    createSender({
      baseUrl: config.ATTIO_BASE_URL,
      timeoutMs: requestTimeoutMs,
      // One for each write: a request that waits for a connection is not sent when its slot is.
      maxConnections: busyWorkspaces * mostWrites,
      circuit: { openMs: 5_000, onChange: (state) => parts.metrics.breaker(state) },
    }),
    'attio connections',
  );
  const limit = parseRateLimit(config.ATTIO_RATE_LIMIT);
  const writer = {
    db,
    clock,
    random: Math.random,
    owner: parts.owner,
    bounds: limit === 'off' ? [] : limit,
    bury: createBuryRefused({ ...parts, eventCodec: parts.serde.codec(topicNames.events), now: () => clock.now() }),
    metrics,
    logger,
    beat: () => scope.health.beat('writer'),
    draining,
  };
  const onOpen = (workspace: Workspace): void => {
    const { name } = workspace;
    const watch = createWorkspaceWatch({
      db,
      workspace,
      logger,
      activities: config.ATTIO_ACTIVITIES,
      now: () => performance.now(),
      onHalt: (why) => states.halted(name, why),
      onWorks: () => states.works(name),
    });
    scope.loop(`people of workspace ${workspace.targetId}`, () => writePeople(writer, workspace, watch));
  };
  const workspaces = createWorkspaces({
    db,
    sender,
    baseUrl: config.ATTIO_BASE_URL,
    keys,
    clock,
    signal: draining,
    onHalt: (name, why) => states.halted(name, why),
    onWorks: (name) => states.works(name),
    onOpen,
  });
  scope.loop('workspaces', async (signal) => {
    const opening = workspaces.openAll();
    while (!signal.aborted) {
      metrics.openPeople(await countOpenPeople(db.pool));
      await resting(clock, countEveryMs, signal);
    }
    await opening;
  });
  const settle = createFold({
    db,
    targetOf: workspaces.targetOf,
    onCounts: (counts) => parts.metrics.noteCounts(counts),
  });
  return { settle };
}
