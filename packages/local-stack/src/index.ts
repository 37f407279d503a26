export { startStack, type Stack, type StackOptions } from './stack.ts';
export { type PartName, type StackEnv } from './addresses.ts';
export { type ProcessEntry } from './process-table.ts';
export { StackError } from './errors.ts';
export { findPort } from './ports.ts';
export { startServices, type Services, type ServicesOptions } from './services.ts';
