import type { OracleRecord } from './oracle.ts';

/**
 * Reads the ledger of simulators in another process over their control address, record by record, message bodies left
 * out (no key depends on them).
 * @throws Error when the simulators answer anything but 200.
 */
export async function* readLedger(controlUrl: string, platform: 'smartlead' | 'lemlist'): AsyncGenerator<OracleRecord> {
  const response = await fetch(`${controlUrl}/ledger?platform=${platform}&bodies=false`);
  if (response.status !== 200 || response.body === null) {
    throw new Error(`the ledger of ${platform} answered ${response.status}`);
  }
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as OracleRecord;
  }
  if (rest !== '') throw new Error(`the ledger of ${platform} broke off`);
}

/** The ledgers of both platforms, one after the other. */
export async function* readLedgers(controlUrl: string): AsyncGenerator<OracleRecord> {
  yield* readLedger(controlUrl, 'smartlead');
  yield* readLedger(controlUrl, 'lemlist');
}
