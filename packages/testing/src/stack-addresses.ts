/** Where the broker, the registry and the database of this test run are. */
export type StackAddresses = {
  readonly kafkaBrokers: string;
  readonly schemaRegistryUrl: string;
  /** URL of a database whose user may create databases. */
  readonly databaseUrl: string;
};

/** The addresses that `npm test` gives to every test file. Throws when a file is run without them, and says how to run it. */
export function stackAddresses(env: Readonly<NodeJS.ProcessEnv> = process.env): StackAddresses {
  const read = (name: string): string => {
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    throw new Error(`${name} is not set: run this test by \`npm test -- <its path>\`, which starts the stack`);
  };
  return {
    kafkaBrokers: read('KAFKA_BROKERS'),
    schemaRegistryUrl: read('SCHEMA_REGISTRY_URL'),
    databaseUrl: read('DATABASE_URL'),
  };
}
