/** The values the `type` filter of `/activities` knows (Lemlist fact sheet, section 6). */
export const ACTIVITY_TYPES: ReadonlySet<string> = new Set(
  `emailsSent emailsOpened emailsClicked emailsReplied emailsBounced emailsFailed emailsUnsubscribed emailsInterested
  emailsNotInterested emailsDone emailsIgnored emailsExternalSent emailsExternalReceived outOfOffice mailinblackDetected
  manualEmailQueued linkedinVisitDone linkedinVisitFailed linkedinVisitSkipped linkedinInviteDone linkedinInviteAccepted
  linkedinInviteFailed linkedinWithdrawInvitationDone linkedinWithdrawInvitationFailed linkedinSent linkedinOpened
  linkedinReplied linkedinSendFailed linkedinInMailSent linkedinInMailFailed linkedinInMailSkipped linkedinVoiceNoteDone
  linkedinVoiceNoteFailed linkedinVoiceNoteReplied linkedinFollowDone linkedinFollowFailed linkedinFollowSkipped
  linkedinLikeLastPostDone linkedinLikeLastPostNoPost linkedinLikeLastPostFailed linkedinLikeLastPostSkipped
  linkedinCommentLastPostDone linkedinCommentLastPostFailed linkedinCommentLastPostSkipped linkedinEndorseDone
  linkedinEndorseFailed linkedinEndorseSkipped linkedinInterested linkedinNotInterested linkedinDone linkedinIgnored
  manualLinkedinSendQueued manualLinkedinVoiceNoteQueued manualLinkedinInviteQueued manualLinkedinCommentLastPostQueued
  whatsappMessageSent whatsappMessageDelivered whatsappMessageOpened whatsappReplied whatsappMessageFailed whatsappDone
  whatsappIgnored whatsappVoiceNoteSent whatsappVoiceNoteDelivered whatsappVoiceNoteOpened whatsappVoiceNoteReplied
  whatsappVoiceNoteFailed whatsappVoiceNoteIgnored manualWhatsappMessageQueued manualWhatsappVoiceNoteQueued smsSent
  smsDone smsDelivered smsReplied smsIgnored smsFailed aircallCreated aircallEnded aircallDone aircallIgnored
  aircallInterested aircallNotInterested apiDone apiIgnored apiInterested apiNotInterested apiFailed apiUnsubscribed
  manualDone manualIgnored manualInterested manualNotInterested manualUnsubscribed meetingBooked annotated snoozed paused
  resumed stopped skipped scheduleCancelled conditionChosen conditionalFailed sendToAnotherCampaign enrichmentDone
  enrichmentFailed enrichmentSkipped aiVariableDone aiVariableFailed entityUnsubscribed variableUnsubscribed
  entitySubscribed variableSubscribed contacted hooked attracted warmed interested notInterested emailsSendFailed
  opportunitiesDone`
    .trim()
    .split(/\s+/),
);

export type Channel = 'email' | 'linkedin' | 'none';

function weighted(table: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(table).flatMap(([type, weight]) => new Array<string>(weight).fill(type));
}

/** Types by channel, as often as they shall occur. */
export const TYPE_POOLS: Readonly<Record<Channel, readonly string[]>> = {
  email: weighted({
    emailsSent: 80,
    emailsOpened: 56,
    emailsClicked: 14,
    emailsReplied: 10,
    emailsBounced: 4,
    emailsUnsubscribed: 2,
    emailsInterested: 2,
    emailsFailed: 1,
    outOfOffice: 3,
    conditionChosen: 8,
    paused: 1,
    resumed: 1,
    stopped: 2,
    manualEmailQueued: 1,
    apiDone: 2,
    meetingBooked: 1,
  }),
  linkedin: weighted({
    linkedinVisitDone: 50,
    linkedinInviteDone: 50,
    conditionChosen: 40,
    linkedinInviteAccepted: 18,
    linkedinSent: 20,
    linkedinOpened: 4,
    linkedinReplied: 8,
    linkedinVoiceNoteDone: 2,
    linkedinInviteFailed: 2,
    linkedinLikeLastPostNoPost: 2,
    linkedinInMailSent: 2,
    linkedinFollowDone: 3,
  }),
  none: weighted({
    annotated: 4,
    emailsExternalSent: 3,
    emailsExternalReceived: 3,
    aircallEnded: 2,
    smsSent: 1,
    whatsappMessageSent: 1,
    linkedinSent: 2,
  }),
};

/** Types nobody has documented yet; they come without notice. */
export const FUTURE_TYPES: readonly string[] = [
  'emailsAIRewritten',
  'smsOTPSent',
  'linkedinGift2Sent',
  'Video Watched!',
  'emails',
];

/** Types whose time comes from the message itself, in whole seconds (section 5.3). */
export function hasWholeSeconds(type: string): boolean {
  return type.endsWith('Replied') || type === 'linkedinSent' || type === 'linkedinOpened';
}
