/** RFC 5321: the longest address. */
const longest = 254;
const shape = /^[^\s@"(),:;<>[\]\\\uFFFD]{1,64}@[^\s@"(),:;<>[\]\\\uFFFD]+\.[^\s@"(),:;<>[\]\\\uFFFD.]+$/u;

/** The address, or null for none and for what cannot be one; whether Attio takes it is for Attio to say. */
export function usableEmail(email: string | null): string | null {
  return email !== null && email.length <= longest && shape.test(email) ? email : null;
}
