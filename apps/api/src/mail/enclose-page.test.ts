import { describe, expect, it } from 'vitest'
import { hostileQuotes } from '#test/support/hostile-quotes.ts'
import { enclosePage } from './enclose-page.ts'

/** With a short name for its scope. */
const enclosed = (html: string) => {
  const { scope, head, content } = enclosePage(html)
  expect(scope).toMatch(/^postern-quote-[0-9a-f]{8}$/)
  return { head: head.replaceAll(scope, 'q'), content: content.replaceAll(scope, 'q') }
}

it('a newsletter becomes a part of a page, with the looks that its page and body had', () => {
  const { head, content } = enclosed(
    '<!DOCTYPE html PUBLIC "x"><html lang=de><head><title>News</title><base href="//x"><meta charset=utf-8>\n<style type="text/css">body{margin:0}</style><link rel="stylesheet" href="https://fonts.googleapis.com/x"><link rel="stylesheet" href="https://x.example/font.css"></head><body class="news &quot;" bgcolor="#ffeecc" text=red background="https://x/y.png" link=blue onload="x" style=\'font:12px "A"\'><p>Hi &amp; &nbsp<br/></P></body></html>',
  )
  expect(head).toBe(
    '<style>.q a {color:blue}</style>\n<style type="text/css">.q>div {margin:0}</style>\n<link rel="stylesheet" href="https://fonts.googleapis.com/x">',
  )
  expect(content.replaceAll('\n', '')).toBe(
    '<div class="news &quot;" lang="de" style="background-color:#ffeecc;background-image:url(https://x/y.png);color:red;font:12px &quot;A&quot;"><p>Hi &amp; &nbsp<br/></P></div>',
  )
})

it('what Outlook alone reads is held within too', () => {
  expect(
    enclosed(
      '<head><!-- made by x --><!--[if mso]><style>* {font-family:Arial}</style><xml><o:x/></xml><![endif]--><!--[if !mso]><!--><style>p{a:b}</style><!--<![endif]--></head><body><!-- gone --><!--[if mso]><style>td{c:d}</style><table><![endif]-->x<![if !mso]>y<![endif]>',
    ),
  ).toEqual({
    head: '<!--[if mso]><style>.q * {font-family:Arial}</style><![endif]-->\n<style>.q p {a:b}</style>',
    content: '<div><!--[if mso]><style>.q td {c:d}</style><table><![endif]-->x<![if !mso]>y<![endif]></div>',
  })
})

it('of pages within the page the first body counts, and their sheets are held within as well', () => {
  const { head, content } = enclosed(
    '<body style="a:b"><p>new</p><blockquote><html><head><style>p{x:y}</style></head><body style="c:d" dir=rtl>old</body></html></blockquote><style>b{}</style></body>',
  )
  expect(head).toBe('<style>.q p {x:y}</style>')
  expect(content).toBe('<div dir="rtl" style="a:b"><p>new</p><blockquote>old</blockquote><style>.q b {}</style></div>')
})

describe('what it cannot do is', () => {
  it.each(hostileQuotes)('%s', (_, html, content) => {
    expect(enclosed(html).content).toBe(`<div>${content}</div>`)
  })
})

it('its looks end behind it', () => {
  expect(enclosed('<b><p><i></i><table><i><td><u>x').content).toBe(
    '<div><b><p><i></i><table><i><td><u>x</td></tr></tbody></table></div></b></i>',
  )
})

it('nothing of its head stands above what is written', () => {
  const html = '<head><!--[if mso]><p>I accept.</p><style>p{}</style><![endif]--><!--[if !mso]><!--></head>'
  expect(enclosed(html).head).toBe('<!--[if mso]><style>.q p {}</style><![endif]-->')
})

it('what ends by itself or not at all, and ends nothing else, stays as it came', () => {
  const html = '<b><i></b></i><table><tr><td>x<td><p></td></tr></TABLE></p><ul><li>a<li>b</ul><span></div-x>'
  expect(enclosed(html).content).toBe(`<div>${html}</div>`)
})

it('is read once, however large and deep it is', () => {
  for (const piece of [
    '<div>',
    '</div>',
    '<center></div>',
    '<style>',
    '<!--',
    '<',
    '<!doctype ',
    '<body a=b>',
    '<td>',
    '&',
    '<b>',
    '<ruby><li>',
    '<a b="',
  ])
    for (const html of [piece.repeat(100_000), `<!--[if mso]>${piece.repeat(100_000)}-->`])
      expect(enclosePage(html).content.length).toBeLessThan(2_000_000)
})

it('is read once also where what is long stands in what is deep', () => {
  const html = `${'<div>'.repeat(510)}${'<li></ol>'.repeat(2_000_000)}`
  expect(enclosePage(html).content.length).toBeLessThan(html.length)
})
