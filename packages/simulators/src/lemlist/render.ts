import { chance, draw, pick, trait } from '../core/random.ts';
import { DAY_MS, isoOf } from '../core/timeline.ts';
import type { Person } from '../data/people.ts';
import { emailSighting, hasNoEmail, personOf } from '../data/people.ts';
import { BODY_MARKER } from '../data/texts.ts';
import type { ActivityFacts } from './activities.ts';
import type { LemlistPlan } from './plan.ts';
import { idOf } from './plan.ts';

/** From this day on records carry `stepId` (Lemlist fact sheet, section 5.1). */
const STEP_IDS_SINCE = Date.UTC(2025, 5, 1);

const TEXTS: readonly string[] = [
  `"${BODY_MARKER} Happy to talk, how about Thursday?"`,
  `"${BODY_MARKER} Danke, aber wir haben schon eine Lösung. 🙂"`,
  `"${BODY_MARKER} nul \\u0000 inside"`,
  `"${BODY_MARKER} half \\udfff pair"`,
];

/** Ways in which an activity can be unusable, in the order in which `brokenRecords` uses them. */
export const BREAKAGES = ['createdAtAbsent', 'createdAtNonsense', 'typeAbsent', 'notAnObject', 'noIdentity'] as const;
export type Breakage = (typeof BREAKAGES)[number];

export type Shape = 'v1' | 'v2';

/** What the writer needs besides the facts. */
export interface Writing {
  readonly seed: number;
  readonly plan: LemlistPlan;
  readonly shape: Shape;
  readonly id: string;
  readonly broken: Breakage | undefined;
}

/** The `_id`; now and then one that differs from its predecessor in the case of its letters alone. */
export function activityIdOf(seed: number, serial: number): string {
  if (serial % 1009 !== 500) return idOf(seed, 'act', serial);
  const [prefix, rest = ''] = idOf(seed, 'act', serial - 1).split('_');
  const swapped = rest.replace(/[a-zA-Z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return `${prefix}_${swapped}`;
}

/** Writes an activity as `/activities` shows it: fields without value are left out (section 5.1; v1: section 5.4). */
export function activityJson(facts: ActivityFacts, writing: Writing): string {
  const { seed, broken } = writing;
  if (broken === 'notAnObject') return '"activity unavailable"';
  const id = broken === 'noIdentity' ? '' : `"_id":"${writing.id}",`;
  const type = broken === 'typeAbsent' ? '' : `"type":"${facts.type}",`;
  const head = `{${id}${type}"teamId":"${writing.plan.teamId}"${createdAtField(facts, broken)}`;
  if (facts.type === 'annotated') return `${head}${noteFields(facts, writing)}}`;
  const person = personOf(seed, facts.person);
  const email = hasNoEmail(seed, facts.person, facts.campaign?.channel === 'linkedin' ? 600 : 30)
    ? null
    : emailSighting(person.email, trait(facts.look, 1));
  const withPerson = broken !== 'noIdentity';
  return (
    head +
    (withPerson ? personFields(facts, seed, person, email) : '') +
    campaignFields(facts, writing, person, withPerson ? email : null) +
    typeFields(facts) +
    extraFields(facts.look) +
    '}'
  );
}

function createdAtField(facts: ActivityFacts, broken: Breakage | undefined): string {
  if (broken === 'createdAtAbsent') return '';
  if (broken === 'createdAtNonsense') return ',"createdAt":"last Tuesday"';
  return `,"createdAt":"${isoOf(facts.createdAt)}"`;
}

function noteFields(facts: ActivityFacts, { seed, plan }: Writing): string {
  const user = pick(plan.userIds, facts.look);
  return (
    `,"companyId":"${idOf(seed, 'cpn', facts.person)}","note":${pick(TEXTS, facts.look)}` +
    `,"sendUserId":"${user}","userId":"${user}"`
  );
}

function personFields(facts: ActivityFacts, seed: number, person: Person, email: string | null): string {
  const { look } = facts;
  let text = chance(trait(look, 2), 40) ? '' : `,"contactId":"${idOf(seed, 'ctc', facts.person)}"`;
  if (email !== null) text += `,"leadEmail":"${email}"`;
  text += `,"leadFirstName":${person.firstName},"leadLastName":${person.lastName}`;
  if (trait(look, 3) % 5 !== 0) text += `,"leadCompanyName":${person.company}`;
  const phone = trait(look, 4) % 40;
  if (phone === 0) text += ',"leadPhone":null';
  else if (phone < 6) text += ',"leadPhone":"+49 30 1234567"';
  return text;
}

function campaignFields(facts: ActivityFacts, writing: Writing, person: Person, email: string | null): string {
  const { campaign, look } = facts;
  const { seed, shape, plan } = writing;
  const user = pick(plan.userIds, trait(look, 5));
  if (campaign === null) return `,"userId":"${user}","userName":"api"`;
  const name = JSON.stringify(campaign.name);
  const leadId = idOf(seed, 'lea', campaign.index * 1_000_000 + facts.lead);
  const step = trait(look, 6) % 4;
  // In the flat shape a lead's own variable called "name" takes the place of the campaign's name.
  const collides = shape === 'v1' && hasNameVariable(facts);
  let text = `,"campaignId":"${campaign.id}","campaignName":${name}${collides ? '' : `,"name":${name}`}`;
  if (writing.broken !== 'noIdentity') text += `,"leadId":"${leadId}"`;
  text += `,"sequenceId":"${campaign.sequenceId}","sequenceStep":${step},"totalSequenceStep":${step}`;
  if (facts.createdAt >= STEP_IDS_SINCE) text += `,"stepId":"${campaign.stepIds[step] ?? ''}"`;
  text += `,"sendUserId":"${user}","sendUserName":"Jo Berg","isFirst":${facts.isFirst}`;
  if (trait(look, 7) % 3 !== 0) {
    text += `,"metaData":{"campaignId":"${campaign.id}","leadId":"${leadId}","type":"${facts.type}"}`;
  }
  const variables = variableFields(facts, person, email);
  if (shape === 'v1') return `${text},${variables}`;
  return (
    `${text},"lead":{"_id":"${leadId}","isPaused":false,"state":"${facts.type}","personalized":false,"source":"csv",` +
    `"variables":{${variables}},"contactId":"${idOf(seed, 'ctc', facts.person)}","enrichment":{"emailStatus":"deliverable"}}`
  );
}

function hasNameVariable(facts: ActivityFacts): boolean {
  return facts.lead % 7 === 0;
}

/** A lead's custom variables, with their original names. */
function variableFields(facts: ActivityFacts, person: Person, email: string | null): string {
  let text = `"firstName":${person.firstName},"Company size":"50-200"`;
  if (email !== null) text += `,"email":"${email}"`;
  if (hasNameVariable(facts)) text += ',"name":"a custom name"';
  if (facts.lead % 211 === 0) text += ',"nul\\u0000key":"x"';
  return text;
}

function typeFields(facts: ActivityFacts): string {
  const { type, look } = facts;
  const body = pick(TEXTS, trait(look, 8));
  const sentBefore = `,"relatedSentAt":"${isoOf(facts.createdAt - 60_000 - (trait(look, 9) % (3 * DAY_MS)))}"`;
  if (type === 'emailsSent')
    return `,"emailTemplateId":"etp_${100 + (look % 50)}","subject":"Closing the books faster"`;
  if (type === 'emailsOpened') return `${sentBefore},"bot":${chance(trait(look, 10), 100)}`;
  if (type === 'emailsClicked') return `${sentBefore},"bot":false,"clickedUrl":"https://outbound.example/book?x=1"`;
  if (type.endsWith('Replied')) {
    return `${sentBefore},"messageId":"<${look.toString(16)}@mail.example>","subject":"Re: 🚀","text":${body},"message":${body}`;
  }
  if (type.startsWith('emailsExternal')) return `,"subject":"By hand","body":${body},"attachments":[{"name":"a.pdf"}]`;
  if (type === 'linkedinSent') return `,"message":${body}`;
  if (type.endsWith('Failed')) return ',"errorMessage":"Invitation limit reached"';
  if (type === 'conditionChosen')
    return `,"conditionKey":"hasEmail","conditionLabel":"Has email","conditionValue":true`;
  if (type === 'linkedinInviteDone') return ',"emailTemplateName":"linkedinInvite"';
  if (type === 'aircallEnded')
    return ',"duration":61,"recording":{"url":"https://calls.example/1"},"direction":"outbound"';
  return '';
}

/** Fields no document mentions; one is an integer beyond 2^53. */
function extraFields(look: number): string {
  const form = draw(look, 1, 1) % 60;
  if (form === 0) return ',"futureScore":0.25';
  if (form === 1) return ',"futureRef":9223372036854775807';
  return '';
}
