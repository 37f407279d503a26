import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaignQuery, firstCampaignPage, foldCampaigns, planActivities, planStatistics } from './campaigns.ts';

const day = 86_400_000;
const end = Date.UTC(2026, 0, 1);

test('plans one statistics walk per campaign, ids as texts, in both envelopes', () => {
  const list = [{ id: 3310457, name: ' DACH ' }, { id: '7' }, { id: 3310457 }, { name: 'no id' }, null];
  for (const body of [list, { campaigns: list }]) {
    const planned = planStatistics(body, end);
    assert.deepEqual(
      planned?.streams.map(({ campaignId, campaignName }) => [campaignId, campaignName]),
      [
        ['3310457', 'DACH'],
        ['7', null],
      ],
    );
    assert.equal(planned?.unreadable, 2);
    assert.equal(planned?.streams[0]?.windowEndMs, end);
    assert.equal(planned?.streams[0]?.windowStartMs, null);
  }
});

test('what is no list of campaigns is told from an empty one', () => {
  for (const body of [{}, { success: false }, null, 'text', 7]) {
    assert.equal(planStatistics(body, end), null);
    assert.equal(foldCampaigns(firstCampaignPage, body), null);
  }
  assert.deepEqual(planStatistics([], end), { streams: [], unreadable: 0 });
  assert.equal(foldCampaigns(firstCampaignPage, [])?.last, true);
});

const page = (from: number, count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({
    _id: `cam_${from + index}`,
    createdAt: new Date(end - (from + index) * day).toISOString(),
  }));

test('reads campaign pages to the last one and keeps the oldest time, whatever the envelope', () => {
  const first = foldCampaigns(firstCampaignPage, page(0, 100));
  assert.equal(first?.last, false);
  assert.equal(campaignQuery(first?.listing ?? firstCampaignPage)['page'], 2);
  const second = foldCampaigns(first?.listing ?? firstCampaignPage, { data: page(100, 30) });
  assert.equal(second?.last, true);
  assert.equal(second?.listing.oldestMs, end - 129 * day);
});

test('ends where the last page says so, and where a page is the one before it again', () => {
  const pagination = { totalRecords: 200, currentPage: 2, nextPage: 2, totalPage: 2 };
  assert.equal(foldCampaigns(firstCampaignPage, { campaigns: page(0, 100), pagination })?.last, true);
  const first = foldCampaigns(firstCampaignPage, page(0, 100));
  assert.equal(foldCampaigns(first?.listing ?? firstCampaignPage, page(0, 100))?.last, true);
});

test('activity windows cover all time up to the end without a gap or an overlap', () => {
  for (const oldest of [null, end - 1, end - 30 * day, end - 3_000 * day, end + 5]) {
    const windows = planActivities(oldest, end);
    assert.equal(windows[0]?.windowStartMs, null);
    assert.equal(windows.at(-1)?.windowEndMs, end);
    for (const [index, { windowStartMs }] of windows.entries()) {
      if (index > 0) assert.equal(windowStartMs, (windows[index - 1]?.windowEndMs ?? NaN) + 1);
    }
    assert.ok(windows.length <= 21);
  }
  assert.equal(planActivities(end - 3_000 * day, end).length, 21);
});
