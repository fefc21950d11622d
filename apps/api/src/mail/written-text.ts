import { TextWriter } from '@postern/shared/text-writer.ts'
import { Parser } from 'htmlparser2'
import { storableText } from './storable-text.ts'

/**
 * The plain text of HTML that a person wrote: what its reader gets who shows no HTML. What only stands in the source of foreign mail
 * is read by html-to-text.ts.
 */
export const writtenText = (html: string): string => {
  const writer = new TextWriter()
  const parser = new Parser(
    {
      onopentag: (name, attributes) => writer.open(name, attributes),
      ontext: (text) => writer.text(text),
      onclosetag: (name) => writer.close(name),
    },
    { decodeEntities: true, lowerCaseTags: true },
  )
  parser.end(html)
  return storableText(writer.end())
}
