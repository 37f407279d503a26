import type { PartName } from './addresses.ts';
import { StackError } from './errors.ts';
import type { StartPartsOptions } from './parts.ts';

export async function startContainers(_options: StartPartsOptions): Promise<ReadonlyMap<PartName, string>> {
  throw new StackError('--stack docker is not available yet');
}
