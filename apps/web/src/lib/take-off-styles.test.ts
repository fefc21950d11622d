import { expect, it } from 'vitest'
import { takeOffStyles } from './take-off-styles.ts'

const off = (html: string) => takeOffStyles(html).html

it('attributes are renamed however they are written, and nothing else', () => {
  expect(off(`<b style="font-weight:normal;" id="x">a</b>`)).toBe(`<b data-style="font-weight:normal;" id="x">a</b>`)
  expect(off(`<p class=Mso STYLE = 'font-family:"A > B"'>a</p>`)).toBe(
    `<p class=Mso data-style = 'font-family:"A > B"'>a</p>`,
  )
  expect(off(`<p title=it's style=color:red>a style="b"</p>`)).toBe(
    `<p title=it's data-style=color:red>a style="b"</p>`,
  )
  const other = `<a title=" style=x > y" data-style="z">3 < 4, style=5</a>`
  expect(off(other)).toBe(other)
})

it('sheets come beside, and what is hidden from a reader goes', () => {
  expect(
    takeOffStyles(
      `<meta charset="utf-8"><style><!-- .a{font-weight:700} --></style><!--[if mso]><b style="x">no</b><![endif]--><p>a<script>"<p style=x>"</script></p>`,
    ),
  ).toEqual({ html: `<meta charset="utf-8"><p>a</p>`, css: '<!-- .a{font-weight:700} -->\n' })
  expect(off(`<![if !supportLists]><span style='mso-list:Ignore'>1.</span><![endif]>One`)).toBe(
    `<span data-style='mso-list:Ignore'>1.</span>One`,
  )
})

it('is quick for what never ends', () => {
  for (const one of ['<a ', '<a x="', '<!--', '<style', '<p style=', '<'])
    expect(off(one.repeat(50_000)).length).toBeLessThan(1_000_000)
  expect(off(`<style>${'</style'.repeat(50_000)}`)).toBe('')
})
