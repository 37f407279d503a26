const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A job's id: `job_`, nine characters of time (ms, base 32) and ten of `random` (at least 10 bytes). Ids sort by the
 * time they were made at, and cannot be guessed.
 */
export function toJobId(nowMs: number, random: Uint8Array): string {
  let time = '';
  for (let rest = nowMs, index = 0; index < 9; index += 1) {
    time = (alphabet[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  const tail = Array.from(random.subarray(0, 10), (byte) => alphabet[byte % 32] ?? '0').join('');
  return `job_${time}${tail}`;
}

/** True for texts that can be the id of a job; others need not be looked up. */
export function isJobId(text: string): boolean {
  return /^job_[0-9a-z]{1,60}$/.test(text);
}
