import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { snakeCaseType, smartleadEventTypes } from './event-types.ts';

const examples: readonly (readonly [string, string])[] = [
  ['emailsSent', 'email_sent'],
  ['emailsOpened', 'email_opened'],
  ['emailsExternalReceived', 'email_external_received'],
  ['linkedinInviteDone', 'linkedin_invite_done'],
  ['linkedinInMailSent', 'linkedin_in_mail_sent'],
  ['outOfOffice', 'out_of_office'],
  ['annotated', 'annotated'],
  ['smsOTPSent', 'sms_otp_sent'],
  ['OTP', 'otp'],
  ['sentOTP', 'sent_otp'],
  ['ABTest', 'ab_test'],
  ['step2Done', 'step2_done'],
  ['emails', 'email'],
  ['emailsettings', 'emailsettings'],
  ['emails_sent', 'emails_sent'],
  ['manualEmailsSent', 'manual_emails_sent'],
  [' emailsSent ', 'email_sent'],
  ['email_sent', 'email_sent'],
  ['Email Sent', 'email_sent'],
  ['__odd--name__', 'odd_name'],
  ['naïveÉcole', 'na_ve_cole'],
  ['***', ''],
  ['', ''],
];

for (const [type, expected] of examples) {
  test(`the type ${JSON.stringify(type)} becomes ${JSON.stringify(expected)}`, () => {
    assert.equal(snakeCaseType(type), expected);
  });
}

test('a type in snake case is ASCII words joined by single underscores', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (type) => {
      assert.match(snakeCaseType(type), /^(?:[a-z0-9]+(?:_[a-z0-9]+)*)?$/);
    }),
  );
});

test('the types of Smartlead are in snake case already', () => {
  for (const type of Object.values(smartleadEventTypes)) assert.equal(snakeCaseType(type), type);
});
