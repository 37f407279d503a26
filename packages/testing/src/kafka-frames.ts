/** Cuts a stream of length-prefixed frames (4 bytes, big-endian, as the Kafka protocol has them) out of chunks of any size. */
export type FrameReader = {
  /** Takes a chunk and returns the frames it completes, length prefix included. */
  readonly take: (chunk: Buffer) => readonly Buffer[];
};

/** A reader for one direction of one connection. */
export function createFrameReader(): FrameReader {
  let pending: readonly Buffer[] = [];
  let pendingBytes = 0;
  let wanted = 4;
  return {
    take(chunk) {
      pending = [...pending, chunk];
      pendingBytes += chunk.length;
      // Large frames come in many chunks: they are joined once, when enough is there.
      if (pendingBytes < wanted) return [];
      let rest = Buffer.concat(pending);
      const frames: Buffer[] = [];
      wanted = 4;
      while (rest.length >= 4) {
        wanted = 4 + rest.readInt32BE(0);
        if (rest.length < wanted) break;
        frames.push(rest.subarray(0, wanted));
        rest = rest.subarray(wanted);
        wanted = 4;
      }
      pending = [rest];
      pendingBytes = rest.length;
      return frames;
    },
  };
}

/** Number of the Kafka API a request frame calls (0 is Produce). */
export function apiKeyOf(request: Buffer): number {
  return request.readInt16BE(4);
}

/** Correlation id of a request frame. */
export function requestIdOf(request: Buffer): number {
  return request.readInt32BE(8);
}

/** Correlation id of a reply frame: the one of the request it answers. */
export function replyIdOf(reply: Buffer): number {
  return reply.readInt32BE(4);
}
