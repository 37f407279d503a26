/** Words that are not written as other words are. */
const spellings: ReadonlyMap<string, string> = new Map([
  ['ai', 'AI'],
  ['api', 'API'],
  ['linkedin', 'LinkedIn'],
  ['otp', 'OTP'],
  ['sms', 'SMS'],
  ['whatsapp', 'WhatsApp'],
]);

const maxNameLength = 255;

/** There are some hundred types; a source that makes up many is not to fill the memory. */
const known = new Map<string, string>();
const maxKnown = 4_096;

/**
 * The name of an event in Mixpanel: its type in words (`email_sent` → `Email Sent`). Part of what Mixpanel tells
 * repeats by: a name must never change (docs/mixpanel.md).
 */
export function eventNameOf(eventType: string): string {
  const before = known.get(eventType);
  if (before !== undefined) return before;
  const name = eventType
    .split('_')
    .filter((word) => word !== '')
    .map((word) => spellings.get(word) ?? word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ')
    .replaceAll(/\bIn Mail\b/g, 'InMail')
    .slice(0, maxNameLength);
  if (known.size >= maxKnown) known.clear();
  known.set(eventType, name);
  return name;
}
