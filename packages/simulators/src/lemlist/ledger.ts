import type { LemlistAccount } from './account.ts';

/** One activity, from the generator itself and not from what was written. */
export interface LemlistFact {
  readonly platform: 'lemlist';
  readonly campaignId: string | null;
  readonly sourceType: string;
  readonly sourceId: string;
  /** Epoch ms. */
  readonly at: number;
}

/** Every activity the account serves, as NDJSON lines without the line end, oldest first. */
export function* lemlistLines(account: LemlistAccount): Generator<string> {
  const { rows } = account;
  for (let position = 0; position < rows.length; position++) {
    const ref = rows.refAt(position);
    const { campaign } = account.factsOf(ref);
    const id = campaign === null ? 'null' : `"${campaign.id}"`;
    const name = campaign === null ? 'null' : JSON.stringify(campaign.name);
    yield `{"platform":"lemlist","campaignId":${id},"campaignName":${name},"record":${account.textOf(ref, 'v2')}}`;
  }
}

/** The facts behind the activities, unusable ones left out. */
export function* lemlistFacts(account: LemlistAccount): Generator<LemlistFact> {
  const { rows } = account;
  for (let position = 0; position < rows.length; position++) {
    const facts = account.factsOf(rows.refAt(position));
    if (account.isBroken(facts.serial)) continue;
    yield {
      platform: 'lemlist',
      campaignId: facts.campaign?.id ?? null,
      sourceType: facts.type,
      sourceId: account.idOf(facts.serial),
      at: facts.createdAt,
    };
  }
}
