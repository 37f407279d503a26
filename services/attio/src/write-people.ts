import { backoffMs } from '@full-sync/delivery';
import { pauseBudget } from './budget-store.ts';
import type { ClockReading } from './budget-store.ts';
import { buryPeople } from './bury-refused.ts';
import type { RefusedPerson } from './bury-refused.ts';
import { anybodyDue, claimPeople } from './claim-people.ts';
import type { ClaimedPerson } from './claim-people.ts';
import type { WriteEnd } from './attio.ts';
import { valuesOf } from './domain/attributes.ts';
import type { SlotUse } from './domain/budget.ts';
import { Pace } from './pace.ts';
import { resting } from '@full-sync/runtime';
import { sendInSlot } from './send-in-slot.ts';
import { lockHeld, settlePeople, suspectOvertaken } from './settle-people.ts';
import type { EndedWrite, PersonEnd } from './settle-people.ts';
import type { Workspace } from './workspaces.ts';
import { ActivityWriter } from './write-activities.ts';
import type { WorkspaceWatch } from './workspace-watch.ts';
import type { WriterParts } from './writer-parts.ts';

/** Writes waiting for their slot or under way at once, of one workspace and one copy. */
export const mostWrites = 48;
/** Between two turns while there is work, and while there is none. */
const turnMs = 100;
const idleMs = 500;
const backoff = { baseMs: 500, capMs: 30_000 };
/** Longest jitter after a refusal, so that copies do not come back as one. */
const jitterMs = 1_000;

/**
 * Writes people of one workspace that are due, until the service drains: each turn settles what has ended, takes due
 * people with places in the budget, and sends them off. Absolute totals, so a write that is repeated does no harm (I3).
 */
export async function writePeople(parts: WriterParts, workspace: Workspace, watch: WorkspaceWatch): Promise<void> {
  const writer = new Writer(parts, workspace, watch);
  while (!parts.draining.aborted) {
    parts.beat();
    await resting(parts.clock, await writer.turn(), parts.draining);
  }
  await writer.finish();
}

class Writer {
  readonly #parts: WriterParts;
  readonly #workspace: Workspace;
  readonly #watch: WorkspaceWatch;
  readonly #underWay = new Set<Promise<void>>();
  #ended: (EndedWrite & { readonly refusal: RefusedPerson | null })[] = [];
  #uses: SlotUse[] = [];
  readonly #activities: ActivityWriter;
  readonly #pace = new Pace();
  #failure: { readonly error: unknown } | null = null;

  constructor(parts: WriterParts, workspace: Workspace, watch: WorkspaceWatch) {
    this.#parts = parts;
    this.#workspace = workspace;
    this.#watch = watch;
    this.#activities = new ActivityWriter(parts, workspace, watch, this.#pace);
  }

  /** One turn; returns how long to wait for the next. */
  async turn(): Promise<number> {
    if (this.#failure !== null) throw this.#failure.error;
    await this.#settle();
    await this.#activities.settle();
    if (!(await this.#watch.mayWrite())) return idleMs;
    // A workspace that refused everything is asked with one write, and not while another is under way.
    const most = this.#watch.halted ? 1 : mostWrites;
    const wanted = most - this.#underWay.size;
    if (wanted <= 0) return turnMs;
    const { db, owner, bounds } = this.#parts;
    const { targetId } = this.#workspace;
    const uses = [...this.#uses, ...this.#activities.takeUses()];
    this.#uses = [];
    const anybody = await anybodyDue(db, targetId);
    if (!anybody && this.#watch.activities && !this.#watch.halted) {
      const { pausedMs, claimed } = await this.#activities.start(wanted, uses, (writing) => this.#track(writing));
      if (claimed > 0 || pausedMs > 0) return this.#waitFor(claimed, wanted, pausedMs);
      return this.#underWay.size > 0 ? turnMs : idleMs;
    }
    if (!anybody) {
      this.#uses.push(...uses);
      // The attributes could be read, and there is no write that could be refused.
      if (this.#watch.halted && this.#underWay.size === 0) this.#watch.works();
      return this.#underWay.size > 0 ? turnMs : idleMs;
    }
    const claimed = await claimPeople(db, { targetId, owner, bounds, wanted, uses });
    for (const person of claimed.people) this.#track(this.#write(person, claimed.clock, claimed.usable));
    return await this.#waitFor(claimed.people.length, wanted, claimed.pausedMs);
  }

  /** How long to wait for the next turn. */
  async #waitFor(claimed: number, wanted: number, pausedMs: number): Promise<number> {
    const { bounds, metrics } = this.#parts;
    if (pausedMs > 0) {
      metrics.waited('throttled', turnMs);
      return Math.min(pausedMs, idleMs);
    }
    if (bounds.length > 0) {
      if (claimed < wanted) metrics.waited('rate_limit', turnMs);
      return turnMs;
    }
    while (this.#underWay.size > mostWrites / 2) await Promise.race(this.#underWay);
    return 0;
  }

  /** Waits for what is under way and settles it. */
  async finish(): Promise<void> {
    await Promise.all(this.#underWay);
    await this.#settle();
    await this.#activities.settle();
    if (this.#failure !== null) throw this.#failure.error;
  }

  #track(write: Promise<void>): void {
    const writing = write
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(writing));
    this.#underWay.add(writing);
  }

  async #write(person: ClaimedPerson, reading: ClockReading, usable: ReadonlySet<string>): Promise<void> {
    const values = valuesOf(person.state, without(usable, person.dropped));
    const { use, result } = await sendInSlot(this.#parts, this.#pace, { slot: person.slot, reading }, (onSending) =>
      this.#workspace.attio.assertPerson(person.email, values, onSending),
    );
    this.#uses.push(use);
    if (result === null) this.#end(person, { kind: 'again', waitMs: 0, unknown: false, failed: false }, null);
    else await this.#judge(person, result);
  }

  async #judge(person: ClaimedPerson, { verdict, ...result }: WriteEnd): Promise<void> {
    const again = (waitMs: number, unknown: boolean, failed: boolean): PersonEnd => ({
      kind: 'again',
      waitMs,
      unknown,
      failed,
    });
    const backedOffMs = (): number =>
      backoffMs({ ...backoff, attempt: person.attempt + 1, random: this.#parts.random });
    if (verdict === null) {
      this.#parts.metrics.retried('circuit_open');
      this.#end(person, again('afterMs' in result ? result.afterMs : 1000, false, false), null);
      return;
    }
    const answerCode = 'status' in result ? (result.status ?? 0) : 0;
    switch (verdict.kind) {
      case 'written':
        this.#watch.works();
        this.#end(
          person,
          { kind: 'written', recordId: verdict.recordId, startedMs: person.slot.atMs, answerCode },
          null,
        );
        return;
      case 'throttled':
        this.#parts.metrics.retried('throttled');
        await pauseBudget(this.#parts.db, this.#workspace.targetId, verdict.afterMs + this.#parts.random() * jitterMs);
        this.#end(person, again(0, false, false), null);
        return;
      case 'retry':
        this.#parts.metrics.retried(verdict.reason);
        this.#end(person, again(verdict.afterMs ?? backedOffMs(), verdict.unknown, true), null);
        return;
      case 'halt':
        this.#watch.halt(verdict);
        this.#end(person, again(0, false, false), null);
        return;
      case 'schema':
        // The attribute is gone: the next look at the attributes leaves it out. Named and still there, it is dropped here.
        this.#watch.lookAgain(verdict.detail);
        this.#end(person, this.#withoutField(person, verdict.slug) ?? again(backedOffMs(), false, true), null);
        return;
      case 'field': {
        const dropped = this.#withoutField(person, verdict.slug);
        this.#parts.logger.warn(
          { attribute: verdict.slug, code: verdict.code, detail: verdict.detail },
          'attribute refused',
        );
        if (dropped !== null) this.#end(person, dropped, null);
        else this.#refuse(person, { ...verdict, pointer: `/data/values/${verdict.slug}` }, answerCode);
        return;
      }
      case 'refused':
        this.#refuse(person, verdict, answerCode);
    }
  }

  /** Without one attribute more, each at most once. */
  #withoutField(person: ClaimedPerson, slug: string | null): PersonEnd | null {
    if (slug === null || person.dropped.includes(slug)) return null;
    return { kind: 'dropped', slug };
  }

  #refuse(
    person: ClaimedPerson,
    why: { readonly code: string; readonly detail: string; readonly pointer: string | null },
    answerCode: number,
  ): void {
    const { email, version } = person;
    const { code, detail, pointer } = why;
    this.#watch.works();
    this.#end(person, { kind: 'refused', code, answerCode }, { email, version, code, detail, pointer });
  }

  #end({ email, epoch, version }: ClaimedPerson, end: PersonEnd, refusal: RefusedPerson | null): void {
    this.#ended.push({ email, epoch, version, end, refusal });
  }

  async #settle(): Promise<void> {
    const ended = this.#ended;
    if (ended.length === 0) return;
    this.#ended = [];
    const { db, owner, bury, metrics } = this.#parts;
    const { targetId } = this.#workspace;
    const counts = await db.transaction(async (client) => {
      const held = await lockHeld(client, { targetId, owner }, ended);
      await suspectOvertaken(
        client,
        targetId,
        ended.filter((one) => !held.includes(one)),
      );
      const refused = ended.filter((one) => held.includes(one)).flatMap(({ refusal }) => refusal ?? []);
      const buried = await buryPeople(bury, client, targetId, refused);
      const settled = held.map((write) =>
        // Not to be settled before its letters can be written; the next try comes later.
        write.end.kind === 'refused' && !buried.has(write.email)
          ? { ...write, end: { kind: 'again', waitMs: backoff.capMs, unknown: false, failed: true } as const }
          : write,
      );
      return await settlePeople(client, targetId, settled);
    });
    metrics.settled(counts);
  }
}

function without(usable: ReadonlySet<string>, dropped: readonly string[]): ReadonlySet<string> {
  return dropped.length === 0 ? usable : usable.difference(new Set(dropped));
}
