/** What programs show mail in, and what people write it in, without fetching anything. */
const common = new Set(
  [
    'american typewriter|andale mono|aptos|arial|arial black|arial narrow|arial unicode ms|avenir|avenir next|bahnschrift|baskerville',
    'book antiqua|bookman old style|brush script mt|calibri|calibri light|cambria|candara|cantarell|century gothic|century schoolbook',
    'charter|comic sans ms|consolas|constantia|copperplate|corbel|courier|courier new|dejavu sans|dejavu sans mono|dejavu serif|didot',
    'droid sans|droid serif|ebrima|franklin gothic medium|futura|gabriola|garamond|geneva|georgia|gill sans|gill sans mt|google sans',
    'helvetica|helvetica neue|hoefler text|impact|inter|liberation mono|liberation sans|liberation serif|lucida|lucida bright',
    'lucida console|lucida grande|lucida sans|lucida sans typewriter|lucida sans unicode|malgun gothic|marker felt|menlo|meiryo',
    'microsoft sans serif|microsoft yahei|mingliu|monaco|ms gothic|ms mincho|ms pgothic|ms sans serif|ms serif|new york|nimbus sans',
    'noto color emoji|noto sans|noto sans mono|noto serif|optima|palatino|palatino linotype|papyrus|perpetua|pingfang sc|rockwell',
    'roboto|roboto mono|segoe print|segoe script|segoe ui|segoe ui emoji|segoe ui light|segoe ui semibold|segoe ui symbol|sf mono',
    'sf pro|sf pro display|sf pro text|simhei|simsun|sitka text|sylfaen|symbol|system-ui|tahoma|times|times new roman|trebuchet ms',
    'ubuntu|ubuntu mono|verdana|webdings|wingdings|yu gothic|-apple-system|apple color emoji|apple symbols|blinkmacsystemfont',
    'ui-sans-serif|ui-serif|ui-monospace|ui-rounded|serif|sans-serif|monospace|cursive|fantasy|emoji|math',
  ].flatMap((names) => names.split('|')),
)

/**
 * Whether this `@font-face`, without comments and braces, brings letters for a name that stands for a font everywhere: what is written
 * above the quote would be drawn with them. One that brings none only tells of a font, as Word does of all.
 */
export const isCommonFont = (block: string): boolean => {
  // By an escape any name, and any word, can be written otherwise.
  if (block.includes('\\')) return true
  if (!/\bsrc\s*:/i.test(block)) return false
  return block.split(';').some((declaration) => {
    const [, family = ''] = /^\s*font-family\s*:(.*)$/is.exec(declaration) ?? []
    const words = family.replace(/["']/g, ' ').trim().replace(/\s+/g, ' ')
    return common.has(words.toLowerCase())
  })
}
