import { setTimeout as delay } from 'node:timers/promises';
import type { Act } from '../stage.ts';
import { withKafka } from '../with-kafka.ts';

const TOPIC = 'outreach.events';
const GROUP = 'reporting';
const FREEZES = 8;
const FROZEN_MS = 4_000;
/** Enough for some answers, and not for many. */
const THAWED_MS = 80;

const REFUSED = 'email_bounced';

/**
 * The broker answers for a moment now and then, while the loader has letters to send: it sends them when Postgres has
 * answered, and by then the moment is over.
 */
export function frozenBroker(): Act {
  let jobId = '';
  return {
    title: `the broker stands still for ${FROZEN_MS / 1_000} s again and again while the loader sends (SIGSTOP)`,
    fires: ['FullSyncBrokerSlow'],
    lasting: ['FullSyncBrokerSlow'],
    begin: async ({ pidOf, system }) => {
      await system.pool.query(`delete from event_source where event_type = $1`, [REFUSED]);
      await system.pool.query(
        `alter table event_source add constraint refused check (event_type <> '${REFUSED}') not valid`,
      );
      const broker = pidOf('broker');
      jobId = await system.client.execute({ platforms: ['smartlead'] });
      try {
        for (let time = 0; time < FREEZES; time += 1) {
          process.kill(broker, 'SIGSTOP');
          await delay(FROZEN_MS);
          process.kill(broker, 'SIGCONT');
          await delay(THAWED_MS);
        }
      } finally {
        process.kill(broker, 'SIGCONT');
      }
    },
    end: async ({ system, waitForEnd }) => {
      await waitForEnd(jobId, 360_000);
      await system.pool.query('alter table event_source drop constraint refused');
    },
  };
}

/** A reader of the events that somebody else has, which stands at the beginning while its log is cut off above. */
export function lostRecords(): Act {
  return {
    title: 'another reader of the events stands still, and records are deleted before it has read them',
    fires: ['FullSyncDestinationBehind', 'FullSyncRecordsDeleted'],
    begin: async (stage) =>
      await withKafka(stage, async ({ admin }) => {
        const ends = await admin.fetchTopicOffsets(TOPIC);
        const filled = ends.find(({ high }) => Number(high) > 10);
        if (filled === undefined) throw new Error(`${TOPIC} holds nothing`);
        const { partition } = filled;
        await admin.setOffsets({
          groupId: GROUP,
          topic: TOPIC,
          partitions: ends.map((one) => ({ partition: one.partition, offset: '0' })),
        });
        await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition, offset: '5' }] });
      }),
    end: async (stage) => await withKafka(stage, async ({ admin }) => void (await admin.deleteGroups([GROUP]))),
  };
}
