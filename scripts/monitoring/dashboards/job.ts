import { quantileBy, rateBy, totalBy } from '../expressions.ts';
import type { Dashboard } from '../model.ts';

const OF_JOB = '{job_id="$job_id"}';

export const job: Dashboard = {
  slug: 'job',
  title: 'One job',
  description:
    'How far a job is, which stage holds it up, and how jobs fare at all. Jobs are shown while they run and for 5 minutes after.',
  variables: [{ name: 'job_id', label: 'Job', metric: 'full_sync_job_progress_ratio', of: 'job_id', choose: 'one' }],
  rows: [
    {
      title: 'How is the job?',
      panels: [
        {
          title: 'How far is it?',
          description: 'Progress as its status shows it; 100 % only when every row is committed.',
          kind: 'stat',
          unit: 'percentunit',
          width: 6,
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'all of it is committed' }],
          runbook: 'a-job-waits',
          queries: [{ expr: `max(full_sync_job_progress_ratio${OF_JOB})`, legend: 'progress' }],
        },
        {
          title: 'How long will it still take?',
          description: 'Time to its end, from the limits while it extracts and from measured throughput after.',
          kind: 'stat',
          unit: 's',
          width: 6,
          thresholds: [
            { at: 3_600, colour: 'yellow', because: 'an hour or more: see what it waits for' },
            { at: 86_400, colour: 'orange', because: 'a day or more: the account’s limit is small for its history' },
          ],
          runbook: 'a-job-waits',
          queries: [{ expr: `max(full_sync_job_eta_seconds${OF_JOB})`, legend: 'left' }],
        },
        {
          title: 'How long has it been running?',
          description: 'Time since it was asked for, or that it took if it has ended.',
          kind: 'stat',
          unit: 's',
          width: 6,
          thresholds: [{ at: 86_400, colour: 'yellow', because: 'over a day' }],
          runbook: 'a-job-waits',
          queries: [{ expr: `max(full_sync_job_age_seconds${OF_JOB})`, legend: 'age' }],
        },
        {
          title: 'How much does it wait to store?',
          description: 'Records that its chunks have committed and that are not settled in Postgres yet.',
          kind: 'stat',
          unit: 'short',
          width: 6,
          thresholds: [{ at: 100_000, colour: 'yellow', because: 'keyer or loader is behind the extraction' }],
          runbook: 'lag-grows',
          queries: [
            {
              expr: `max(full_sync_job_records{job_id="$job_id", state="fetched"}) - max(full_sync_job_records{job_id="$job_id", state="processed"})`,
              legend: 'records',
            },
          ],
        },
        {
          title: 'Which stage holds it up?',
          description:
            'How much of each stage is done. The first one that is not full and does not grow is the bottleneck; one with nothing to do is empty.',
          kind: 'bargauge',
          unit: 'percentunit',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'the stage is done' }],
          runbook: 'a-job-waits',
          queries: [{ expr: `max by (stage) (full_sync_job_stage_done_ratio${OF_JOB})`, legend: '{{stage}}' }],
        },
        {
          title: 'How many records has it read and stored?',
          description: 'Records committed by the extractor, settled in Postgres, and expected in all.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [{ at: 1, colour: 'blue', because: 'something was found' }],
          runbook: 'a-job-waits',
          queries: [{ expr: `max by (state) (full_sync_job_records${OF_JOB})`, legend: '{{state}}' }],
        },
        {
          title: 'How fast does it read and store?',
          description:
            'Records a second that are fetched and processed. Both move in steps, as chunks and batches are committed.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'it moves' }],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: `clamp_min(max by (state) (deriv(full_sync_job_records{job_id="$job_id", state!="expected"}[$__rate_interval])), 0)`,
              legend: '{{state}}',
            },
          ],
        },
      ],
    },
    {
      title: 'How are the jobs around it?',
      panels: [
        {
          title: 'How many jobs are there?',
          description: 'Jobs by their status now, all that are kept.',
          kind: 'bargauge',
          unit: 'short',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'there are jobs with this status' }],
          runbook: 'a-job-waits',
          queries: [{ expr: 'max by (status) (full_sync_jobs)', legend: '{{status}}' }],
        },
        {
          title: 'How old is the oldest job that runs?',
          description: 'Age of the oldest job that has not ended and is not paused; 0 when there is none.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 21_600, colour: 'yellow', because: 'six hours: is it the rate limit, or does it wait?' },
            {
              at: 172_800,
              colour: 'red',
              because: 'two days: longer than most accounts need for all of their history',
            },
          ],
          runbook: 'a-job-waits',
          queries: [{ expr: 'max(full_sync_oldest_open_job_seconds)', legend: 'oldest' }],
        },
        {
          title: 'What do the walks do?',
          description:
            'Walks of all open jobs that are not done: in work, ready, waiting for their time, or held with their job.',
          kind: 'timeseries',
          unit: 'short',
          stacked: true,
          thresholds: [{ at: 1_000, colour: 'blue', because: 'many campaigns or windows are still to be read' }],
          runbook: 'fullsyncnobodyextracts',
          queries: [{ expr: 'sum by (state) (max by (platform, state) (full_sync_streams))', legend: '{{state}}' }],
        },
        {
          title: 'How did jobs end?',
          description: 'Jobs that ended in the time that the board shows, by status.',
          kind: 'bargauge',
          unit: 'short',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'jobs ended so' }],
          runbook: 'fullsyncjobsfailing',
          queries: [{ expr: totalBy('status', 'full_sync_jobs_ended_total'), legend: '{{status}}' }],
        },
        {
          title: 'How long do jobs take?',
          description:
            'Median and 95th percentile of the time from the request to the end, over the time that the board shows.',
          kind: 'bargauge',
          unit: 's',
          thresholds: [{ at: 3_600, colour: 'yellow', because: 'an hour: compare what the extraction waits for' }],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: 'histogram_quantile(0.5, sum by (le) (increase(full_sync_job_duration_seconds_bucket[$__range])))',
              legend: 'median',
            },
            {
              expr: 'histogram_quantile(0.95, sum by (le) (increase(full_sync_job_duration_seconds_bucket[$__range])))',
              legend: '95 %',
            },
          ],
        },
        {
          title: 'How wrong is the time left that jobs show?',
          description:
            'Half-way through a job: how wrong its time left was, as a share of the time that was really left. Median over the time that the board shows.',
          kind: 'bargauge',
          unit: 'percentunit',
          thresholds: [
            { at: 0.5, colour: 'yellow', because: 'half as long again, or half of it' },
            { at: 1, colour: 'red', because: 'twice as long, or nothing at all' },
          ],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: 'histogram_quantile(0.5, sum by (le, direction) (increase(full_sync_job_eta_error_ratio_bucket[$__range])))',
              legend: '{{direction}}',
            },
          ],
        },
        {
          title: 'How long does a look at the jobs take?',
          description:
            '95th percentile of one look at all open jobs, as the api takes it four times a second to move them on.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 0.5, colour: 'yellow', because: 'progress is shown late' },
            { at: 5, colour: 'red', because: 'jobs end late: broker or Postgres is slow' },
          ],
          runbook: 'a-job-waits',
          queries: [{ expr: quantileBy(0.95, '', 'full_sync_follow_seconds'), legend: '95 %' }],
        },
        {
          title: 'Do webhooks arrive?',
          description: 'Attempts to send a completion webhook in the time that the board shows; failed = given up.',
          kind: 'bargauge',
          unit: 'short',
          below: 'blue',
          thresholds: [
            { at: 1, colour: 'green', because: 'attempts came out so; “failed” ones are lost to the receiver' },
          ],
          runbook: 'fullsyncwebhooksfailing',
          queries: [{ expr: totalBy('outcome', 'full_sync_webhook_attempts_total'), legend: '{{outcome}}' }],
        },
        {
          title: 'How fast does the API answer?',
          description: '95th percentile of the time to answer a request, by class of status.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 0.5, colour: 'yellow', because: 'Postgres answers slowly' },
            { at: 2, colour: 'red', because: 'clients begin to give up' },
          ],
          runbook: 'fullsyncapifailing',
          queries: [{ expr: quantileBy(0.95, 'status', 'full_sync_api_request_seconds'), legend: '{{status}}' }],
        },
        {
          title: 'How many requests does the API answer?',
          description: 'Requests a second, by class of status. 5xx are ours, or those of Postgres.',
          kind: 'timeseries',
          unit: 'reqps',
          stacked: true,
          thresholds: [{ at: 100, colour: 'yellow', because: 'somebody polls without a pause' }],
          runbook: 'fullsyncapifailing',
          queries: [{ expr: rateBy('status', 'full_sync_api_request_seconds_count'), legend: '{{status}}' }],
        },
      ],
    },
  ],
};
