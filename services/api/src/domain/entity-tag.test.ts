import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesEtag } from './entity-tag.ts';

test('a tag is found in a list, weak or strong, and any tag by an asterisk', () => {
  for (const header of ['W/"a1"', '"a1"', '"x", W/"a1"', '"x","a1" , "y"', ' * '])
    assert.equal(matchesEtag(header, 'W/"a1"'), true, header);
});

test('another tag, a part of one, or none is no match', () => {
  for (const header of [undefined, '', 'a1', '"a"', 'W/"a11"', '"x*"'])
    assert.equal(matchesEtag(header, 'W/"a1"'), false);
});
