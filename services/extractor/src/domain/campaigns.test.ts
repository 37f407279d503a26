import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaignQuery, firstCampaignPage, foldCampaigns } from './campaigns.ts';

const day = 86_400_000;
const end = Date.UTC(2026, 0, 1);

test('what is no list of campaigns is told from an empty one', () => {
  for (const body of [{}, { success: false }, null, 'text', 7]) {
    assert.equal(foldCampaigns(firstCampaignPage, body), null);
  }
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
