/** A server-sent event whose data is JSON. */
export interface StreamedEvent {
  readonly id: string;
  readonly data: unknown;
}

/**
 * Reads server-sent events (HTML standard) from the bytes of an answer; comments and events without data are passed over.
 * `onBytes` is told of every piece that arrives, heartbeats included.
 *
 * @throws SyntaxError for an event whose data is no JSON.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  onBytes: () => void = () => undefined,
): AsyncGenerator<StreamedEvent, void, undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let id = '';
  let data: string[] = [];
  for await (const bytes of body) {
    onBytes();
    text += decoder.decode(bytes, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines.map((raw) => raw.replace(/\r$/, ''))) {
      if (line === '') {
        if (data.length > 0) yield { id, data: JSON.parse(data.join('\n')) };
        data = [];
      }
      const [, name, value] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
      if (name === 'id') id = value ?? '';
      if (name === 'data') data.push(value ?? '');
    }
  }
}
