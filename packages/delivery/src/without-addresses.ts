const address = /[^\s"'<>,;]+@[^\s"'<>,;]+/g;

/** What a destination said, without the addresses of leads in it: it goes to logs and dead letters (I7). */
export function withoutAddresses(text: string): string {
  return text.replace(address, '[address]');
}
