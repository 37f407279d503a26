import type { SmartleadAccount } from './account.ts';
import { statsIdOf } from './render.ts';

const NO_BODIES: readonly Buffer[] = [];

/** One thing that is true about a send, in the platform's words, before anyone derives anything from it. */
export interface SmartleadFact {
  readonly platform: 'smartlead';
  readonly campaignId: string;
  readonly sourceType: 'sent' | 'opened' | 'clicked' | 'replied' | 'bounced' | 'unsubscribed';
  readonly statsId: string;
  readonly lead: number;
  readonly sequenceNumber: number;
  readonly sentAt: number;
  /** Epoch ms; null when the platform gives none. */
  readonly at: number | null;
}

/** Every row the account serves, as NDJSON lines without the line end, oldest campaign first. */
export function* smartleadLines(account: SmartleadAccount, withBodies: boolean): Generator<string> {
  for (const campaign of account.live()) {
    const { plan, rows } = campaign;
    const head = `{"platform":"smartlead","campaignId":"${plan.id}","campaignName":${JSON.stringify(plan.name)},"record":`;
    for (let position = 0; position < rows.length; position++) {
      const row = account.rowOf(campaign, rows.refAt(position), withBodies ? account.bodies : NO_BODIES);
      const body = row.after === '' ? '' : (row.body?.toString('utf8') ?? 'null');
      yield `${head}${row.before}${body}${row.after}}`;
    }
  }
}

/** The facts behind the rows, unusable rows left out. */
export function* smartleadFacts(account: SmartleadAccount): Generator<SmartleadFact> {
  for (const campaign of account.live()) {
    const { plan, rows } = campaign;
    for (let position = 0; position < rows.length; position++) {
      const facts = campaign.factsOf(rows.refAt(position));
      if (account.isBroken(facts.serial)) continue;
      const common = {
        platform: 'smartlead' as const,
        campaignId: String(plan.id),
        statsId: statsIdOf(account.seed, facts.serial),
        lead: plan.firstPerson + facts.lead,
        sequenceNumber: facts.step,
        sentAt: facts.sentAt,
      };
      yield { ...common, sourceType: 'sent', at: facts.sentAt };
      if (facts.openedAt !== null || facts.openCount > 0) yield { ...common, sourceType: 'opened', at: facts.openedAt };
      if (facts.clickedAt !== null || facts.clickCount > 0)
        yield { ...common, sourceType: 'clicked', at: facts.clickedAt };
      if (facts.repliedAt !== null) yield { ...common, sourceType: 'replied', at: facts.repliedAt };
      if (facts.bounced) yield { ...common, sourceType: 'bounced', at: null };
      if (facts.unsubscribed) yield { ...common, sourceType: 'unsubscribed', at: null };
    }
  }
}
