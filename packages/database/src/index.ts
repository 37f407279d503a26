export { connectDatabase, sqlState } from './database.ts';
export type { Client, Database, Queryable } from './database.ts';
export { migrate } from './migrate.ts';
export { UnreachableError } from './unreachable.ts';
export { accountKeyHash, ensureAccount, readAccounts } from './accounts.ts';
export type { AccountOutlook } from './accounts.ts';
export { ensureNamespace } from './namespaces.ts';
export type { EnsuredNamespace } from './namespaces.ts';
export {
  changeJob,
  findConflict,
  insertJob,
  listJobs,
  listOpenJobs,
  readChangedJobs,
  readJob,
  readLastRun,
} from './jobs.ts';
export type { JobChange, JobCursor, JobFilter, JobRow, JobStatus, JobTarget, JobPace, NewJob } from './jobs.ts';
export {
  markExtracted,
  markStarted,
  readJobFacts,
  saveProgress,
  startFailing,
  storeDeadLetterTargets,
  storeLoadTargets,
} from './job-progress.ts';
export type {
  AccountBudget,
  JobFacts,
  LetterCounts,
  LoadedCounts,
  OffsetsByPartition,
  RawTarget,
  WalkTotals,
} from './job-progress.ts';
export { endJob } from './job-ending.ts';
export type { Ending, EndingFacts, FailedStream, PlatformTally } from './job-ending.ts';
export {
  advanceDeadLetterPosition,
  insertDeadLetters,
  lockDeadLetterPosition,
  openDeadLetterPosition,
} from './dead-letters.ts';
export type { DeadLetterPosition, NewDeadLetter, StoredLetter } from './dead-letters.ts';
export { commitChunk } from './chunks.ts';
export type { ChunkCommit, ChunkProgress, ChunkTarget, NewStream, StreamOutcome } from './chunks.ts';
export { noteRate, noteRefusal, settlePermit, sweepPermits, voidPermit } from './rate-budgets.ts';
export { claimStream, renewLease, returnUnused } from './streams.ts';
export type { Claim, ClaimedStream, Permit } from './streams.ts';
export {
  acceptDeadLetterGap,
  acceptDestinationGap,
  acceptEventGap,
  readDeadLetterPosition,
  readEventPosition,
} from './gaps.ts';
export { countStoredRows } from './stored-rows.ts';
export { readGroupPositions } from './group-positions.ts';
export { countJobs, countOpenLetters, countStreams, readWatchedJobs } from './pipeline-state.ts';
export { readBudgetStates } from './budget-states.ts';
export type { BudgetState } from './budget-states.ts';
export { readLoadingFigures } from './loading-figures.ts';
export type { LoadingFigures } from './loading-figures.ts';
export { optimizations, optimizeDatabase } from './optimize.ts';
export type { Applied, Optimization, Optimized } from './optimize.ts';
export { meterQueries } from './query-meter.ts';
export type { QueryFigures, QueryMeter } from './query-meter.ts';
export { readKeyTotals } from './key-totals.ts';
export type { KeyTotals } from './key-totals.ts';
export { readStoredFact } from './stored-fact.ts';
export type { StoredFactRow } from './stored-fact.ts';
export { isScope, scopes } from './scopes.ts';
export type { Scope } from './scopes.ts';
export {
  apiKeyIdOf,
  apiKeyMatches,
  createApiKey,
  findApiKey,
  listApiKeys,
  noteApiKeyUse,
  revokeApiKey,
} from './api-keys.ts';
export type { ApiKey, CheckedApiKey } from './api-keys.ts';
export { sweepApiPermits, takeApiPermit } from './api-limits.ts';
export type { BoundState } from './api-limits.ts';
export { readCursors, readKnownTotals } from './cursors.ts';
export type { CampaignFilter, Cursor, KnownTotals } from './cursors.ts';
export { claimAnswer, releaseAnswerClaim, renewAnswerClaim, storeAnswer, sweepAnswers } from './idempotency.ts';
export type { AnswerClaim, ClaimOutcome, StoredAnswer } from './idempotency.ts';
export { listLetters, readLetter } from './letters.ts';
export type { Letter, LetterFilter, LetterStatus } from './letters.ts';
export {
  claimReplay,
  insertReplay,
  listUnreplayable,
  lockCandidates,
  readLettersToReplay,
  storeReplayPositions,
} from './replays.ts';
export type { ClaimedReplay, LetterToReplay, ReplayCandidate, ReplayedAt, ReplaySelection } from './replays.ts';
export { deleteNamespace } from './delete-namespace.ts';
export type { NamespaceDeletion } from './delete-namespace.ts';
export { listNamespaces } from './namespace-list.ts';
export type { ListedNamespace } from './namespace-list.ts';
export { ensureWebhookSecret, webhookKeyOf } from './webhook-secret.ts';
export { claimWebhook, listWebhooks, queueWebhook, settleWebhook } from './webhooks.ts';
export type { ClaimedWebhook, EndedJob, WebhookAttempt, WebhookDelivery, WebhookNext } from './webhooks.ts';
export { createShadows, prepareSwap, SwapBlockedError } from './resets.ts';
export { ResetRefusedError } from './leaf-shape.ts';
export { waitForLock } from './wait-for-lock.ts';
export {
  lockDestinationPosition,
  openDestinationPosition,
  readDestinationPosition,
  storeDestinationPosition,
} from './destination-positions.ts';
export type { DestinationPartition, DestinationPosition } from './destination-positions.ts';
export { ensureDeliveryTarget } from './delivery-targets.ts';
export {
  closeClaim,
  deliveryKey,
  insertDeliveries,
  openClaim,
  readDeliveries,
  renewClaim,
  retryDeliveries,
  settleDeliveries,
  takeOverDeliveries,
} from './deliveries.ts';
export type { DeliverySettlement, DeliveryState, KnownDelivery, NewDelivery } from './deliveries.ts';
export { listDestinations, noteDestination } from './destinations.ts';
export {
  claimLanes,
  leaveLane,
  lockLane,
  parkEvents,
  readParked,
  readParkedNamespaces,
  readParkedPage,
  renewLane,
  unparkEvents,
} from './parked-events.ts';
export type { LaneTurn, NewParkedEvent, ParkedEvent, ParkedLane, ParkedNamespace } from './parked-events.ts';
export { addJobDeliveries, readJobDestinations, readJobReaches } from './job-deliveries.ts';
export type { DeliveryTally, JobDestination, JobReach } from './job-deliveries.ts';
export {
  advanceBackfill,
  cancelBackfill,
  claimBackfill,
  countBackfill,
  endBackfill,
  insertBackfill,
  listBackfills,
  lockBackfill,
  readBackfill,
  readBackfillPage,
  releaseBackfill,
  renewBackfill,
  sweepClaims,
} from './backfills.ts';
export type { Backfill, BackfillPlace, BackfillStatus, ClaimedBackfill, StoredEvent } from './backfills.ts';
