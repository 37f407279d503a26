export * from './avro.ts';
export * from './platforms.ts';
export * from './topics.ts';
