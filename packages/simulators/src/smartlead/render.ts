import type { JsonBuffer } from '../core/json-buffer.ts';
import { chance, draw, pick, trait, uuidOf } from '../core/random.ts';
import { isoOf, timestampOf } from '../core/timeline.ts';
import { emailSighting, personOf } from '../data/people.ts';
import { SUBJECTS } from '../data/texts.ts';
import type { CampaignPlan } from './plan.ts';
import type { SendFacts } from './rows.ts';

const STREAM_STATS_ID = 51;
const STREAM_CATEGORY = 52;
/** Labels as JSON texts, by category id; many leads have none. */
const CATEGORIES: readonly string[] = ['null', '"Interested"', '"Meeting Request"', '"Not Interested"', 'null', 'null'];

/** Ways in which a row can be unusable, in the order in which `brokenRecords` uses them. */
export const BREAKAGES = [
  'sentTimeNull',
  'sentTimeNonsense',
  'noIdentity',
  'openTimeNumber',
  'replyWithoutEmail',
  'notAnObject',
  'sentTimeImpossible',
] as const;
export type Breakage = (typeof BREAKAGES)[number];

/** The row's `stats_id`. */
export function statsIdOf(seed: number, serial: number): string {
  return uuidOf(seed, STREAM_STATS_ID, serial);
}

/** A row's JSON around its body: the body is a prepared buffer that is only copied (null when the row has none). */
export interface RowTexts {
  readonly before: string;
  readonly body: Buffer | null;
  readonly after: string;
}

/** Writes a row as `/campaigns/{id}/statistics` shows it (Smartlead fact sheet, section 6). */
export function rowTexts(
  seed: number,
  plan: CampaignPlan,
  facts: SendFacts,
  bodies: readonly Buffer[],
  broken: Breakage | undefined,
): RowTexts {
  if (broken === 'notAnObject') return { before: '"row unavailable"', body: null, after: '' };
  const { look, step } = facts;
  const person = personOf(seed, plan.firstPerson + facts.lead);
  const stepId = plan.textIds ? `"${7_120_000 + plan.index * 10 + step}"` : `${7_120_000 + plan.index * 10 + step}`;
  const before =
    `{${statsIdField(seed, plan, facts, broken)}` +
    `"lead_name":${chance(trait(look, 3), 80) ? 'null' : person.fullName},` +
    emailField(emailSighting(person.email, trait(look, 4)), broken) +
    `"lead_category":${categoryOf(seed, plan, facts.lead).label},"sequence_number":${step},` +
    `"email_campaign_seq_id":${chance(trait(look, 6), 30) ? 'null' : stepId},` +
    `"seq_variant_id":${trait(look, 7) % 3 === 0 ? 9_014_000 + (trait(look, 8) % 3) : 'null'},` +
    `"email_subject":${subjectOf(facts)},"email_message":`;
  const replied = broken === 'replyWithoutEmail' ? (facts.repliedAt ?? facts.sentAt) : facts.repliedAt;
  const after =
    `,"sent_time":${sentTimeText(facts, broken)},` +
    `"open_time":${broken === 'openTimeNumber' ? '1711111111' : timeText(facts.openedAt, trait(look, 9))},` +
    `"click_time":${timeText(facts.clickedAt, trait(look, 10))},` +
    `"reply_time":${replyTimeText(replied, trait(look, 11))},` +
    `"open_count":${facts.openCount},` +
    `"click_count":${trait(look, 12) % 20 === 0 ? `"${facts.clickCount}"` : facts.clickCount},` +
    `"is_unsubscribed":${facts.unsubscribed},"is_bounced":${facts.bounced}` +
    `${plan.old ? '' : ',"ignore_reply":false'}${extraFields(look)}}`;
  return { before, body: bodyOf(facts, bodies), after };
}

/** A lead's current label as a JSON text, the same on each of its rows, and its id. */
export function categoryOf(
  seed: number,
  plan: CampaignPlan,
  lead: number,
): { readonly id: number | null; readonly label: string } {
  const id = draw(seed, STREAM_CATEGORY, plan.index * 7_919 + lead) % CATEGORIES.length;
  const label = CATEGORIES[id] ?? 'null';
  return { id: label === 'null' ? null : id, label };
}

/** The subject as a JSON text. */
export function subjectOf({ look }: SendFacts): string {
  return chance(trait(look, 1), 15) ? 'null' : pick(SUBJECTS, trait(look, 2));
}

/** The prepared body of a send; some have none. */
export function bodyOf({ look }: SendFacts, bodies: readonly Buffer[]): Buffer | null {
  return chance(trait(look, 13), 20) || bodies.length === 0 ? null : pick(bodies, trait(look, 14));
}

/** Writes a row into an answer. */
export function writeRow(out: JsonBuffer, row: RowTexts): void {
  if (row.after === '') {
    out.text(row.before);
  } else if (row.body === null) {
    out.text(`${row.before}null${row.after}`);
  } else {
    out.text(row.before).bytes(row.body).text(row.after);
  }
}

function statsIdField(seed: number, plan: CampaignPlan, facts: SendFacts, broken: Breakage | undefined): string {
  if (broken === 'noIdentity') return '';
  const form = trait(facts.look, 15) % 120;
  if (plan.old && form < 3) return ['', '"stats_id":null,', '"stats_id":"",'][form] ?? '';
  return `"stats_id":"${statsIdOf(seed, facts.serial)}",`;
}

function emailField(sighting: string, broken: Breakage | undefined): string {
  if (broken === 'noIdentity') return '"lead_email":null,';
  return broken === 'replyWithoutEmail' ? '"lead_email":"  ",' : `"lead_email":"${sighting}",`;
}

function sentTimeText(facts: SendFacts, broken: Breakage | undefined): string {
  if (broken === 'sentTimeNull') return 'null';
  if (broken === 'sentTimeNonsense') return '"yesterday"';
  if (broken === 'sentTimeImpossible') return '"2026-02-30T10:00:00.000Z"';
  return timeText(facts.sentAt, trait(facts.look, 16));
}

/** Mostly with `Z`; now and then without a zone, which means UTC. */
function timeText(at: number | null, form: number): string {
  if (at === null) return 'null';
  const kind = form % 200;
  if (kind === 0) return `"${timestampOf(at)}"`;
  if (kind === 1) return `"${timestampOf(at, ' ')}"`;
  return `"${isoOf(at)}"`;
}

/** Whole seconds: `.000Z`, sometimes without the fraction, without the zone. */
function replyTimeText(at: number | null, form: number): string {
  if (at === null) return 'null';
  const kind = form % 20;
  if (kind === 0) return `"${timestampOf(at).slice(0, 19)}"`;
  if (kind === 1) return `"${timestampOf(at).slice(0, 19)}Z"`;
  return `"${isoOf(at)}"`;
}

/** Fields no document mentions: they come without notice. One is an integer beyond 2^53. */
function extraFields(look: number): string {
  const form = trait(look, 17) % 50;
  if (form === 0) return ',"esp_provider":"google"';
  if (form === 1) return ',"tracking_ref":9007199254740993123';
  if (form === 2) return ',"future":{"score":0.5,"labels":["a",null],"deep":{"x":true}}';
  return '';
}
