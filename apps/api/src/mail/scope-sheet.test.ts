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
  ['a[title="a,b"], .x:not(.y, .z)', '.q a[title="a,b"], .q .x:not(.y, .z)'],
  ['body[lang="a]b"] td', '.q>div[lang="a]b"] td'],
  ['/* , body */ td', '.q td'],
  ['.postern-quote-0a1b2c3d p', '.postern-quote-0a1b2c3d p'],
])('%s is held within the quote', (selector, held) => {
  expect(scoped(`${selector} {color:red}`)).toBe(`${held} {color:red}`)
})

describe('a sheet', () => {
  it('keeps what its rules declare', () => {
    const block = 'content:"\\"/*";background:url(a/*b;c.png);x:url("y)z")'
    expect(scopeSheet(`.a{${block}/*}*/} .b{}`, 'q')).toBe(`.q .a {${block} }\n.q .b {}`)
  })

  it.each([
    ['a string of it', '.a{x:"}p{"}'],
    ['a rule within a rule', 'x{ :not(&){display:none} }'],
    ['a sign of its own for itself', ':not(&) .mine{display:none}'],
    ['an address that does not end where it seems to', 'x{a:url(\\)" ) } .mine{display:none} y{b:" }'],
    ['what is no address', 'x{b:xurl(a ")") } .mine{display:none} y{c:"}'],
    ['an address in other letters', 'x{a:u\\72l(a") } .mine{display:none} y{c:")}'],
    ['a string that a line ends', 'x{a:"\r} .mine{display:none} y{b:"}'],
    ['a key frame', '@keyframes k{from{a:"\r}} .mine{display:none} @keyframes l{from{b:"}}'],
    ['what is beside the page', 'html ~ .mine{display:none} html+.mine{x:y}'],
    ['a comment that leaves an end tag', 'a[</*x*//style><b>mine</b><style>.mine{x:y}]{}'],
    ['an end tag of its own', '.a{x:</style><b>}'],
  ])('reaches nothing outside by %s', (_, css) => {
    const read = scopeSheet(css, 'q')
    expect(read).not.toContain('</')
    // Every brace is one of a rule about the quote, and they close as they open.
    expect(read.replace(/\.q[^{}]*\{[^{}]*\}|@keyframes \w+ \{\s*(?:from \{[^{}]*\})?\s*\}/g, '').trim()).toBe('')
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
        '@charset "u"; @import url(https://fonts.googleapis.com/?a;b); @import "https://x.example/font.css"; @-webkit-keyframes k {from {a:b} to {c:d}}',
      ),
    ).toBe('@import url(https://fonts.googleapis.com/?a;b); @-webkit-keyframes k {from {a:b} to {c:d}}')
  })

  it('gives no letters to names that stand for a font everywhere, and no meaning to those that every page knows', () => {
    const src = 'src:url(https://x.example/a.woff2)'
    for (const face of [
      `font-family:Arial;${src}`,
      `${src};FONT-FAMILY : "segoe  UI"`,
      `font-family:'Times New Roman';src: local("Wingdings")`,
      `font-family:Mine;font-family:Helvetica;${src}`,
      `font-family:"Ar\\69 al";${src}`,
      'font-family:Arial;s\\72 c:url(x)',
    ])
      expect(scoped(`@font-face{${face}} .a{}`), face).toBe('.q .a {}')
    for (const face of [`font-family:Mine;${src}`, 'font-family:Calibri;panose-1:2 15 5'])
      expect(scoped(`@font-face{${face}}`)).toBe(`@font-face {${face}}`)
    expect(scoped('@counter-style lower-alpha{system:cyclic} @property --x{syntax:"*"} .a{}')).toBe('.q .a {}')
  })

  it('brings no sheet whose address is another one to a browser than here', () => {
    expect(scoped('@import "https://fonts.googleapis.com\\@evil.example/x.css"; p {a:b}')).toBe('.q p {a:b}')
    expect(scoped('@import url(https://fonts.googleapis.com\\2e evil.example/x.css); p {a:b}')).toBe('.q p {a:b}')
  })

  it('loses what no browser reads either, and no rule after that', () => {
    expect(scoped('> p {a:b} .a, {a:b} } ; .b{} @unknown x {p{}} .c{} .d("{} .e{}')).toBe('.q .b {} .q .c {}')
  })

  it('of any size is read once', () => {
    for (const css of ['{', '@media{', 'a,', '(', '"', '/*', 'a{}', 'url(', '\\', 'u', '@', 'a["/*', 'a[/*"']) {
      const long = css.repeat(300_000)
      expect(scopeSheet(long, 'q').length).toBeLessThan(long.length * 3 + 100)
    }
    expect(scopeSheet(`@import x${' '.repeat(300_000)}y; .a{}`, 'q')).toBe('.q .a {}')
  })
})
