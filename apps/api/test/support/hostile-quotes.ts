/** What means to be read outside of the quote it stands in: what it tries, its HTML, and what of that is quoted. */
export const hostileQuotes: [what: string, html: string, content: string][] = [
  ['end what is around it', 'x</div></blockquote></section>y', 'xy'],
  ['end it by what ends more than it says', '<center><div></center></div>y', '<center><div></center>y'],
  ['end it behind a table', '<table><tr><td><div>x</table></div>y', '<table><tr><td><div>x</table>y'],
  ['end it behind what is no table', '<td></div></blockquote></div>mine', 'mine'],
  ['end it behind a table in no cell', '<table><table></table></div>mine', '<table><table></table>mine'],
  ['end it behind what nobody sees', 'x<template><table></template></div>mine', 'xmine'],
  ['end it behind an item', '<li><div><li></li></div>mine', '<li><div><li></li>mine'],
  ['end it behind a term', '<dd><address><dt></dt></address>mine', '<dd><address><dt></dt>mine'],
  ['end it behind a button', '<button><div><button></button></div>mine', '<button><div><button></button>mine'],
  ['end it behind a heading', '<h1><div><h2><h1></h1></h2></div>y', '<h1><div><h2></h2><h1></h1></h2>y'],
  ['end it behind an item under a word', '<ruby><li><rt></li></div>y', '<ruby></ruby><li><rt></li>y'],
  ['end it behind a form in a form', '<form><li><form></form></li></div></form>y', '<li></li>y'],
  [
    'end it by a tag that goes on',
    '</b x="><p title="></div></div><p>y</p>">',
    '</b><p title="></div></div><p>y</p>">',
  ],
  ['end it by a tag within words', 'x<<meta>/div><<!x>/div><a b', 'x&lt;/div>&lt;/div>'],
  ['end it by a name that looks alike', '<bloc\u212aquote></blockquote></div>y', '<bloc\u212aquote>y'],
  ['end it by no comment', '<!-x></div><? x></div></ x></div><!--></div>--!></div>y', '--!>y'],
  ['end it behind what has ended', '<object></object></div></div>mine', 'mine'],
  ['end it behind a choice', '<select><div></select></div></div>mine', '<div></div>mine'],
  ['hide it from who reads it here', 'x<![CDATA[><style>.m{}</style></div></div>mine]]>y', 'xy'],
  ['hide it in a drawing', '<svg><xmp></div></div><style>.m{}</style></xmp></svg>y', 'y'],
  ['say more where Outlook reads', 'x<!--[if mso]></div></blockquote></div>mine<![endif]-->y', 'xy'],
  ['hide a sheet that does not end', 'x<!--[if mso]><style>.m{x:y}<![endif]-->y', 'x<!--[if mso]><![endif]-->y'],
  ['run, or name the page', 'x<script>"</div>"</script><title>y</title>z', 'xz'],
]

const tags =
  'div div div blockquote p table table td tr th tbody caption colgroup col li ul dd dt h1 h2 button object center section b a font span ruby rt option form dialog search template select svg math noscript style title textarea plaintext html body head frameset'.split(
    ' ',
  )
const odd =
  '<|</|>|"|=|/|<!--|-->|--!>|<!-->|<![CDATA[|]]>|<!x|<?|</ |\0|\x1c|\x0f|<!doctype|&l|t;|\u212a|<div x="|</div|</div x="|</b/x="|<<|<!--[if mso]>|<![endif]-->|<![if !mso]>|<![endif]>'.split(
    '|',
  )

/** HTML that nobody would write; the same each time. */
export const scrambledQuotes = (count: number): string[] => {
  let state = 1
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  const one = (list: string[]): string => list[below(list.length)] ?? ''
  const piece = (): string => {
    const kind = below(10)
    if (kind < 4) return `<${one(tags)}>`
    if (kind < 8) return `</${one(tags)}${below(8) === 0 ? ' x="' : ''}>`
    return kind < 9 ? one(odd) : 'x'
  }
  return Array.from({ length: count }, () => Array.from({ length: 1 + below(24) }, piece).join(''))
}
