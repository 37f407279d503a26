import { draw, pick } from '../core/random.ts';

/** Stands in every message body, so that a test can look for leaks of bodies. */
export const BODY_MARKER = 'BODY-MARKER';

const VARIANTS = 16;
const STREAM_BODY = 21;

const SENTENCES = [
  'closing the books takes your team longer than it should, and most of that is waiting for one number.',
  'we looked at how companies of your size handle it &mdash; the short answer is: by hand.',
  'Größere Teams sparen damit im Schnitt zwei Tage pro Monat.',
  'would a quick call on Thursday work? <a href=\\"https://outbound.example/book?x=1&amp;y=2\\">Pick a time</a>.',
  'no slides, no pitch: fifteen minutes and a worked example with your own figures.',
];

/**
 * Message bodies written as JSON texts in UTF-8, quotes included, about `bytes` long each (between 60 % and 140 %).
 * Made once, copied into every row.
 */
export function prepareBodies(seed: number, bytes: number): readonly Buffer[] {
  return Array.from({ length: VARIANTS }, (_, variant) => {
    const target = Math.max(40, Math.floor(bytes * (0.6 + (0.8 * variant) / (VARIANTS - 1))));
    let text = `"<div>${BODY_MARKER}-${variant} Hi,<br>`;
    if (variant === 3) text += 'nul \\u0000 and half \\ud800 pair ';
    for (let i = 0; text.length < target - 8; i++) {
      text += `<p>${pick(SENTENCES, draw(seed, STREAM_BODY, variant * 4096 + i))}</p>`;
    }
    return Buffer.from(`${text}</div>"`, 'utf8');
  });
}

/** Subjects as JSON texts; one holds an emoji, one a quote, one U+0000. */
export const SUBJECTS: readonly string[] = [
  '"Closing the books faster"',
  '"Re: Closing the books faster"',
  '"Quick question about {{company}}"',
  '"Größe & Wirkung – kurz gefragt"',
  '"\\"Two days\\" every month 🚀"',
  '"Broken\\u0000subject"',
  '"Last try \\ud83d"',
];

/** Names of campaigns; the first two are equal on purpose. */
export const CAMPAIGN_NAMES: readonly string[] = [
  'DACH CFOs - wave 2',
  'DACH CFOs - wave 2',
  'Nordics 🚀 founders',
  'Ärzte & Kliniken "Süd"',
  '東京 outbound',
  'UK agencies',
  'Webinar follow up',
  '  spaced name  ',
  'Re-engage / Q3',
  'Iberia retail',
];
