import type { AttioValues } from './attio-oracle.ts';
import type { MixpanelLine } from './mixpanel-oracle.ts';
import type { OracleRecord } from './oracle.ts';

/**
 * Reads the ledger of simulators in another process over their control address, record by record, message bodies left
 * out (no key depends on them).
 * @throws Error when the simulators answer anything but 200.
 */
export async function* readLedger(controlUrl: string, platform: 'smartlead' | 'lemlist'): AsyncGenerator<OracleRecord> {
  for await (const line of readLines(controlUrl, platform, 'bodies=false')) yield line as OracleRecord;
}

/** What Mixpanel shows, or another of its views (`raw`, `compact`). */
export async function* readMixpanel(controlUrl: string, view = 'query'): AsyncGenerator<MixpanelLine> {
  for await (const line of readLines(controlUrl, 'mixpanel', `view=${view}`)) yield line as MixpanelLine;
}

/** The people that Attio holds, by each of their addresses. */
export async function readAttioPeople(controlUrl: string): Promise<ReadonlyMap<string, AttioValues>> {
  const people = new Map<string, AttioValues>();
  for await (const line of readLines(controlUrl, 'attio', 'view=records')) {
    const { object, values } = line as { readonly object: string; readonly values: AttioValues };
    if (object !== 'people') continue;
    for (const address of values['email_addresses'] as readonly string[]) people.set(address, values);
  }
  return people;
}

async function* readLines(controlUrl: string, platform: string, which: string): AsyncGenerator {
  const response = await fetch(`${controlUrl}/ledger?platform=${platform}&${which}`);
  if (response.status !== 200 || response.body === null) {
    throw new Error(`the ledger of ${platform} answered ${response.status}`);
  }
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as unknown;
  }
  if (rest !== '') throw new Error(`the ledger of ${platform} broke off`);
}

/** The ledgers of both platforms, one after the other. */
export async function* readLedgers(controlUrl: string): AsyncGenerator<OracleRecord> {
  yield* readLedger(controlUrl, 'smartlead');
  yield* readLedger(controlUrl, 'lemlist');
}
