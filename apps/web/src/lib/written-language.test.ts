import { expect, it } from 'vitest'
import { writtenLanguage } from './written-language.ts'

it.each([
  ['<html lang="de"><body>', 'de-AT'],
  ['<html><body lang=DE-CH link=blue>', 'de-AT'],
  ["<html xml:lang='x' lang='EN-gb'>", 'en-GB'],
  ['<html lang="fr">', 'en-US'],
  ['<p lang="de">', 'en-US'],
  [null, 'en-US'],
])('what answers %s is spelled as %s', (html, language) => {
  expect(writtenLanguage(html, ['en-US', 'de-AT', 'en-GB'])).toBe(language)
})

it('is looked for once, however large the mail is', () => {
  for (const piece of ['<html ', '<body lang ', '<body lang=', '<html\n'])
    expect(writtenLanguage(piece.repeat(300_000), ['en-US'])).toBe('en-US')
})
