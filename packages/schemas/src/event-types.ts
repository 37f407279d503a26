import { readText } from './readings.ts';

/** What a Smartlead row can give, in the order of the events (docs/events.md, Event types). */
export const smartleadEventTypes = {
  sent: 'email_sent',
  opened: 'email_opened',
  clicked: 'email_clicked',
  replied: 'email_replied',
  bounced: 'email_bounced',
  unsubscribed: 'email_unsubscribed',
} as const;

export type SmartleadSourceType = keyof typeof smartleadEventTypes;

/**
 * An event type in snake case: `emailsSent` → `email_sent`, `smsOTPSent` → `sms_otp_sent`, `outOfOffice` →
 * `out_of_office`. Types never seen before pass by the same rule; one without any letter or digit gives `''`.
 */
export function snakeCaseType(type: string): string {
  return (readText(type) ?? '')
    .replace(/^emails(?=[A-Z]|$)/, 'email')
    .replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
}
