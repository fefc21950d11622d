/** Lists that somebody types, one thing a line: what a line may be, for the form and for whoever stores it. */

export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

const label = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}_-]{0,61}[\p{L}\p{M}\p{N}])?$/u

/**
 * What stands behind the @ of addresses, in small letters; null for what is none. One with no dot is none: nobody outside could ask
 * who may send for it.
 */
export const listedDomain = (line: string): string | null => {
  const domain = line.replace(/^@/, '').toLowerCase()
  const labels = domain.split('.')
  const isNumber = /^\d+$/.test(labels.at(-1) ?? '')
  return domain.length <= 253 && labels.length > 1 && !isNumber && labels.every((one) => label.test(one))
    ? domain
    : null
}

/** `host:port` as servers are compared with it: in small letters, an IPv6 address without its brackets. Null for what is none. */
export const listedHost = (line: string): string | null => {
  const [, host = '', port = ''] = /^(.+):([1-9]\d{0,4})$/.exec(line.toLowerCase()) ?? []
  const bare = host.replace(/^\[(.*:.*)\]$/, '$1')
  const isName = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(bare)
  const isAddress = /^[0-9a-f:.]*:[0-9a-f:.]*$/.test(bare)
  if ((!isName && !isAddress) || bare.length > 253 || Number(port) > 65_535) return null
  return URL.canParse(`http://${isAddress ? `[${bare}]` : bare}`) ? `${bare}:${port}` : null
}
