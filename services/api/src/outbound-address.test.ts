import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ForbiddenAddressError,
  assertCallable,
  forbiddenAddressOf,
  isPublicAddress,
  publicLookup,
} from './outbound-address.ts';

const forbidden = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.0.9',
  '169.254.169.254',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.168.0.1',
  '198.18.0.1',
  '198.51.100.7',
  '203.0.113.7',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '168.63.129.16',
  '100.100.100.200',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:10.0.0.1',
  '0:0:0:0:0:ffff:a9fe:a9fe',
  '::127.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::10.0.0.1',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::1',
  '3fff::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '::ffff:0.0.0.0',
  '',
  'localhost',
  '1.2.3',
  '127.1',
];
const allowed = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450:4001::1',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
  '2001:4860:4860::8888',
];

test('addresses that lead into a network of one’s own are not public', () => {
  assert.deepEqual(forbidden.filter(isPublicAddress), []);
  assert.deepEqual(
    allowed.filter((address) => !isPublicAddress(address)),
    [],
  );
});

test('an IPv4 address is what it is, whichever IPv6 form it comes in', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      assert.equal(isPublicAddress(`::ffff:${address}`), isPublicAddress(address));
      assert.equal(isPublicAddress(`64:ff9b::${address}`), isPublicAddress(address));
    }),
  );
});

const none = async () => await Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));

test('every way to write a private address in a URL is seen through', async () => {
  for (const host of [
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '0',
    '0x0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:0:0:1]',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    '１２７.0.0.1',
    '169.254.169.254',
    '192.168.1.1:8080',
    '[fd00::1]:443',
    '[fe80::1]',
  ])
    assert.notEqual(await forbiddenAddressOf(new URL(`http://${host}/x`), { resolve: none }), null, host);
});

test('a name is judged by all of its addresses, and one that does not resolve is let through', async () => {
  const url = new URL('https://hooks.example/x');
  const withAddresses = async (...addresses: string[]) =>
    await forbiddenAddressOf(url, {
      resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    });
  assert.equal(await withAddresses('8.8.8.8'), null);
  assert.equal(await withAddresses('8.8.8.8', '10.0.0.1'), '10.0.0.1');
  assert.equal(await withAddresses('2606:4700::1111', 'fd00::1'), 'fd00::1');
  assert.equal(await forbiddenAddressOf(url, { resolve: none }), null);
  const never = Promise.withResolvers<never>().promise;
  assert.equal(await forbiddenAddressOf(url, { resolve: async () => await never, deadlineMs: 10 }), null);
});

test('an address in the URL itself is judged without a lookup', () => {
  assert.throws(() => {
    assertCallable(new URL('http://[::ffff:10.0.0.1]/'));
  }, ForbiddenAddressError);
  assertCallable(new URL('http://8.8.8.8/'));
  assertCallable(new URL('http://hooks.example/'));
});

test('the lookup of a connection gives public addresses only, in both forms', async () => {
  const look = async (addresses: readonly string[], all: boolean) =>
    await new Promise((resolve, reject) => {
      const name = async () => addresses.map((address) => ({ address, family: 4 }));
      publicLookup(name)('hooks.example', { all }, (error, address) => {
        if (error === null) resolve(address);
        else reject(error);
      });
    });
  assert.equal(await look(['8.8.8.8'], false), '8.8.8.8');
  assert.deepEqual(await look(['8.8.8.8', '1.1.1.1'], true), [
    { address: '8.8.8.8', family: 4 },
    { address: '1.1.1.1', family: 4 },
  ]);
  for (const all of [true, false]) await assert.rejects(look(['8.8.8.8', '127.0.0.1'], all), ForbiddenAddressError);
  await assert.rejects(look([], false), /has no address/);
});
