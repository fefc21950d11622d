import { TextWriter } from '@postern/shared/text-writer.ts'
import { Parser } from 'htmlparser2'
import { htmlToText } from './html-to-text.ts'
import { storableText } from './storable-text.ts'

/**
 * The plain text of HTML that a person wrote: what its reader gets who shows no HTML. What only stands in the source of foreign mail
 * is read by html-to-text.ts, and so is what nests deeper than anybody writes.
 */
export const writtenText = (html: string): string => {
  const writer = new TextWriter()
  let depth = 0
  const parser: Parser = new Parser(
    {
      onopentag: (name, attributes) => {
        if (++depth > maxDepth) parser.pause()
        writer.open(name, attributes)
      },
      ontext: (text) => writer.text(text),
      onclosetag: (name) => {
        depth--
        writer.close(name)
      },
    },
    { decodeEntities: true, lowerCaseTags: true },
  )
  parser.end(html)
  return depth > maxDepth ? htmlToText(html, html.length) : storableText(writer.end())
}

/** Each tag costs the parser as much as stands around it. */
const maxDepth = 512
