import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readablePlatforms } from './simulators.ts';

test('the main job syncs the platforms whose key is set, and both where none is', () => {
  assert.deepEqual(readablePlatforms({ LEMLIST_API_KEY: 'k' }), ['lemlist']);
  assert.deepEqual(readablePlatforms({ SMARTLEAD_API_KEY: 'k', LEMLIST_API_KEY: ' ' }), ['smartlead']);
  assert.deepEqual(readablePlatforms({ SMARTLEAD_API_KEY: 'a', LEMLIST_API_KEY: 'b' }), ['smartlead', 'lemlist']);
  assert.deepEqual(readablePlatforms({}), ['smartlead', 'lemlist']);
});
