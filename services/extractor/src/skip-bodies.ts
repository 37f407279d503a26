const quote = 0x22;
const colon = 0x3a;
const backslash = 0x5c;
const space = 0x20;

/** The member that makes up nine tenths of a statistics page (Smartlead fact sheet, section 6). */
const bodyName = Buffer.from('"email_message"');

/**
 * The text of a JSON row with the values of `email_message` members left empty: they are dropped anyway, and this way
 * they are never made into strings. Everything else is as it was, and rows of any other form are left whole.
 */
export function textWithoutBodies(row: Buffer): string {
  let text = '';
  let kept = 0;
  for (let at = row.indexOf(bodyName); at >= 0; at = row.indexOf(bodyName, at)) {
    const name = at;
    at += bodyName.length;
    // An escaped quote before it: the name only ends like this one.
    if (row[name - 1] === backslash) continue;
    while (row[at] === space) at += 1;
    if (row[at] !== colon) continue;
    at += 1;
    while (row[at] === space) at += 1;
    if (row[at] !== quote) continue;
    const end = endOfString(row, at + 1);
    if (end < 0) break;
    text += row.toString('utf8', kept, at + 1);
    kept = end;
    at = end + 1;
  }
  return text + row.toString('utf8', kept);
}

/** Index of the quote that closes the string whose content begins at `from`; -1 when there is none. */
function endOfString(row: Buffer, from: number): number {
  for (let end = row.indexOf(quote, from); end >= 0; end = row.indexOf(quote, end + 1)) {
    let first = end;
    while (first > from && row[first - 1] === backslash) first -= 1;
    if ((end - first) % 2 === 0) return end;
  }
  return -1;
}
