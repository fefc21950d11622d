import { describe, expect, it } from 'vitest'
import { scopeSheet } from './scope-sheet.ts'

const scoped = (css: string) => scopeSheet(css, 'q').replace(/\s+/g, ' ').trim()

it.each([
  ['p.lead > b:hover', '.q p.lead > b:hover'],
  ['body', '.q>div'],
  ['html body.plain td', '.q>div.plain td'],
  ['html, :root', '.q, .q'],
  ['html.wf-active .x', '.q .x'],
  ['* html .x', '.q .x'],
  ['*', '.q *'],
  ['bodyguard body-x', '.q bodyguard body-x'],
  ['a[title="a,b{c}"], .x:not(.y, .z)', '.q a[title="a,b{c}"], .q .x:not(.y, .z)'],
  ['body[lang="a]b"] td', '.q>div[lang="a]b"] td'],
  ['/* , body */ td', '.q td'],
  ['.postern-quote-0a1b2c3d p', '.postern-quote-0a1b2c3d p'],
])('%s is held within the quote', (selector, held) => {
  expect(scoped(`${selector} {color:red}`)).toBe(`${held} {color:red}`)
})

describe('a sheet', () => {
  it('keeps what its rules declare, whatever stands in there', () => {
    const block = 'content:"}p{";background:url(a}b;c.png);x:"\\"}";/*}*/ &:hover{y:z}'
    expect(scopeSheet(`.a{${block}} .b{}`, 'q')).toBe(`.q .a {${block}}\n.q .b {}`)
  })

  it('is held within also where its rules stand in others', () => {
    expect(scoped('@media print { @supports (x:y) { body, p{a:b} } } @layer a, b; @media{p{')).toBe(
      '@media print {@supports (x:y) {.q>div, .q p {a:b}}} @layer a, b; @media {.q p {}}',
    )
  })

  it('brings its fonts and names, and nothing for the page around it', () => {
    const word = '@font-face {font-family:X} @list l0 {x:y} @page WordSection1 {size:2}'
    expect(scoped(`<!-- /* Fonts */ ${word} @page {size:1} @page :first {a:b} div.W{page:WordSection1} -->`)).toBe(
      `${word} .q div.W {page:WordSection1}`,
    )
    expect(
      scoped(
        '@charset "u"; @import url(https://fonts.example/?a;b); @import "https://x.example/all.css"; @-webkit-keyframes k {from{a:b} to{c:d}}',
      ),
    ).toBe('@import url(https://fonts.example/?a;b); @-webkit-keyframes k {from{a:b} to{c:d}}')
  })

  it('loses what no browser reads either, and no rule after that', () => {
    expect(scoped('> p {a:b} .a, {a:b} } ; .b{} @unknown x {p{}} .c{} .d("{} .e{}')).toBe('.q .b {} .q .c {}')
  })

  it('of any size is read once', () => {
    for (const css of ['{', '@media{', 'a,', '(', '"', '/*', 'a{}', 'url(', '\\', 'u', '@']) {
      const long = css.repeat(300_000)
      expect(scopeSheet(long, 'q').length).toBeLessThan(long.length * 3 + 100)
    }
  })
})
