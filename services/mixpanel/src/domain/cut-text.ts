/** Longest text of a property: 255, characters or bytes by different pages (Mixpanel fact sheet, section 4). */
export const maxTextBytes = 255;

/** More UTF-16 units than these can be more than 255 bytes of UTF-8. */
const alwaysFits = Math.floor(maxTextBytes / 3);

/** The text cut to 255 bytes of UTF-8, at the edge of a character, so that what is shown is what was sent. */
export function cutText(text: string): string {
  if (text.length <= alwaysFits) return text;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxTextBytes) return text;
  let end = maxTextBytes;
  // 10xxxxxx goes on with a character that began before.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
