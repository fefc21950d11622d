/** Text that Postgres takes: no NUL, no lone surrogates. Mail may hold both. */
export const storableText = (text: string): string => {
  const whole = text.includes('\u0000') ? text.replaceAll('\u0000', '') : text
  return whole.isWellFormed() ? whole : whole.toWellFormed()
}

/** For one line on the screen: control and bidi characters out (they can reorder a name), white space folded, cut. */
export const displayLine = (text: string, maxLength = 998): string =>
  // Most lines have nothing to mend; looking is much cheaper than mending.
  /^(?:[\x21-\x7e]+(?: [\x21-\x7e]+)*)?$/.test(text) ? text.slice(0, maxLength) : mendedLine(text, maxLength)

const mendedLine = (text: string, maxLength: number): string =>
  storableText(text)
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, maxLength)
    .toWellFormed()
