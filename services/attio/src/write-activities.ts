import { backoffMs } from '@full-sync/delivery';
import { claimActivities, settleActivities } from './activities.ts';
import type { ClaimedActivity, EndedActivity } from './activities.ts';
import type { WriteEnd } from './attio.ts';
import { pauseBudget } from './budget-store.ts';
import type { ClockReading } from './budget-store.ts';
import type { RefusedEvent } from './bury-refused.ts';
import type { SlotUse } from './domain/budget.ts';
import { personReference } from './domain/activity.ts';
import type { Pace } from './pace.ts';
import { sendInSlot } from './send-in-slot.ts';
import type { WorkspaceWatch } from './workspace-watch.ts';
import type { Workspace } from './workspaces.ts';
import type { WriterParts } from './writer-parts.ts';

const backoff = { baseMs: 500, capMs: 30_000 };
const jitterMs = 1_000;

type Ended = EndedActivity & { readonly refusal: RefusedEvent | null };

/**
 * Writes events of one workspace as activities of their own, while nobody is due: people come first. Matched by the
 * event's id and always the same, so that a write may be repeated in any order (I3).
 */
export class ActivityWriter {
  readonly #parts: WriterParts;
  readonly #workspace: Workspace;
  readonly #watch: WorkspaceWatch;
  readonly #pace: Pace;
  #ended: Ended[] = [];
  #uses: SlotUse[] = [];

  constructor(parts: WriterParts, workspace: Workspace, watch: WorkspaceWatch, pace: Pace) {
    this.#parts = parts;
    this.#workspace = workspace;
    this.#watch = watch;
    this.#pace = pace;
  }

  /** How slots were used since the last call. */
  takeUses(): readonly SlotUse[] {
    const uses = this.#uses;
    this.#uses = [];
    return uses;
  }

  /** Starts up to `wanted` writes of due activities, each handed to `track`. */
  async start(
    wanted: number,
    uses: readonly SlotUse[],
    track: (writing: Promise<void>) => void,
  ): Promise<{ readonly claimed: number; readonly pausedMs: number }> {
    const { db, owner, bounds } = this.#parts;
    const { targetId } = this.#workspace;
    const { activities, clock, pausedMs } = await claimActivities(db, { targetId, owner, bounds, wanted, uses });
    for (const activity of activities) track(this.#write(activity, clock));
    return { claimed: activities.length, pausedMs };
  }

  async settle(): Promise<void> {
    const ended = this.#ended;
    if (ended.length === 0) return;
    this.#ended = [];
    const { db, owner, bury, metrics } = this.#parts;
    const { targetId } = this.#workspace;
    const counts = await db.transaction(async (client) => {
      const buried = await bury(
        client,
        targetId,
        ended.flatMap(({ refusal }) => refusal ?? []),
      );
      const settled = ended.map((one) =>
        one.end.kind === 'refused' && !buried.has(one.eventId)
          ? { ...one, end: { kind: 'again', waitMs: backoff.capMs, failed: true, person: false } as const }
          : one,
      );
      return await settleActivities(client, { targetId, owner }, settled);
    });
    metrics.settled(counts);
  }

  async #write(activity: ClaimedActivity, reading: ClockReading): Promise<void> {
    const values = { ...activity.values, person: personReference(activity.recordId) };
    const { use, result } = await sendInSlot(this.#parts, this.#pace, { slot: activity.slot, reading }, (onSending) =>
      this.#workspace.attio.assertActivity(values, onSending),
    );
    this.#uses.push(use);
    if (result === null) this.#again(activity, { waitMs: 0 });
    else await this.#judge(activity, result);
  }

  async #judge(activity: ClaimedActivity, result: WriteEnd): Promise<void> {
    const { db, metrics, random } = this.#parts;
    const backedOffMs = backoffMs({ ...backoff, attempt: activity.attempt + 1, random });
    if (result.verdict === null) {
      metrics.retried('circuit_open');
      this.#again(activity, { waitMs: result.afterMs });
      return;
    }
    const { verdict } = result;
    const answerCode = result.status ?? 0;
    switch (verdict.kind) {
      case 'written':
        this.#end(activity, { kind: 'written', answerCode }, null);
        return;
      case 'throttled':
        metrics.retried('throttled');
        await pauseBudget(db, this.#workspace.targetId, verdict.afterMs + random() * jitterMs);
        this.#again(activity, { waitMs: 0 });
        return;
      case 'retry':
        metrics.retried(verdict.reason);
        this.#again(activity, { waitMs: verdict.afterMs ?? backedOffMs, failed: true });
        return;
      case 'schema':
        // The record of the person is gone, or an attribute: the person is written anew, the attributes looked at.
        this.#watch.lookAgain(verdict.detail);
        this.#again(activity, { waitMs: 1000 + backedOffMs, failed: true, person: true });
        return;
      case 'halt':
        // The beta may have been switched off; whether people can be written, they say themselves.
        this.#watch.withoutActivities(verdict.detail);
        this.#again(activity, { waitMs: backedOffMs, failed: true });
        return;
      case 'field':
      case 'refused': {
        const { code, detail } = verdict;
        const pointer = verdict.kind === 'refused' ? verdict.pointer : null;
        this.#end(
          activity,
          { kind: 'refused', code, answerCode },
          { eventId: activity.eventId, code, detail, pointer },
        );
      }
    }
  }

  #again(
    activity: ClaimedActivity,
    { waitMs, failed = false, person = false }: { waitMs: number; failed?: boolean; person?: boolean },
  ): void {
    this.#end(activity, { kind: 'again', waitMs, failed, person }, null);
  }

  #end({ eventId, email }: ClaimedActivity, end: EndedActivity['end'], refusal: RefusedEvent | null): void {
    this.#ended.push({ eventId, email, end, refusal });
  }
}
