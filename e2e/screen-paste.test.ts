import { simpleParser } from 'mailparser'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, draftsAt, openBy, saved, write } from './support/compose.ts'
import { type Outgoing, sentMail, startOutgoing } from './support/outgoing.ts'
import { expectAccessible, openInbox, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** What other programs put on the clipboard, from the paste to the mail that arrives. */
let screen: Screen
let smtp: Outgoing
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  context = await screen.newContext()
  page = await screen.newPage(context)
  await openInbox(page, screen.base)
  await screen.api('PATCH', '/v1/settings', { undoSendSeconds: 0 })
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const docs = `<meta charset='utf-8'><b style="font-weight:normal;" id="docs-internal-guid-x"><p dir="ltr" style="line-height:1.38"><span style="font-weight:700">bold</span><span style="font-weight:400"> plain </span><span style="font-style:italic">slanted</span> <span style="text-decoration:underline">under</span> <span style="text-decoration:line-through">struck</span> H<span style="vertical-align:sub">2</span>O</p><br /><p>last</p></b>`
const sheet = `<html><head><style><!-- td{color:black} .xl65{font-weight:700} --></style></head><body><table border=0 style='border-collapse:collapse'><!--StartFragment--><col width=64 span=3><tr><td class=xl65>Item</td><td>Qty</td><td>Price</td></tr><tr><td>Pears</td><td align=right>3</td><td align=right>1.50</td></tr><tr><td colspan=3>None left</td></tr><!--EndFragment--></table></body></html>`
const item = (mark: string, text: string, level = 1) =>
  `<p class=MsoListParagraph style='text-indent:-18.0pt;mso-list:l0 level${level} lfo1'><![if !supportLists]><span style='mso-list:Ignore'>${mark}<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp; </span></span><![endif]>${text}<o:p></o:p></p>`
const word = `<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><!--[if gte mso 9]><xml></xml><![endif]--><style><!-- p.MsoNormal{margin:0cm;margin-bottom:.0001pt} --></style></head><body lang=EN-GB><h1>Quarter report</h1><p class=MsoNormal>see one.one and www.example.org today<o:p></o:p></p>${item('·', 'First')}${item('o', 'Within', 2)}${item('·', 'Second')}${item('2.', 'Counted')}<table class=MsoTableGrid border=1 style='border-collapse:collapse'><tr><td width=200 style='border:solid windowtext 1.0pt'><p class=MsoNormal><b>North</b></p></td><td><p align=right style='text-align:right'>1,234</p></td></tr></table></body></html>`
const web = `<p style="color:red">E = mc<sup>2</sup>, <a href="/relative">near</a> <a href="https://example.org/far">far</a><span style="display:none">unseen</span></p><table role="presentation"><tr><td><p>laid out</p></td><td>beside</td></tr></table>`

/** Shown once the editor knows that it stands in a table. */
const tableTool = (name: string) => composer(page).getByRole('button', { name })
const paste = (html: string, text = 'as text') =>
  bodyOf(page).evaluate(
    (editor, pasted) => {
      const clipboardData = new DataTransfer()
      if (pasted.html !== '') clipboardData.setData('text/html', pasted.html)
      clipboardData.setData('text/plain', pasted.text)
      editor.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    },
    { html, text },
  )

/** What is drawn, by its words, and how far each is below the one before it. Pixels. */
const drawn = (shown: Element): [string, number][] => {
  // Nothing runs within the frame of a mail: it is looked into from the page.
  const body = shown instanceof HTMLIFrameElement ? shown.contentDocument?.body : shown
  const page = body?.ownerDocument
  if (!body || !page) return []
  const lines: [string, number][] = []
  const words = page.createNodeIterator(body, NodeFilter.SHOW_TEXT)
  let end: number | null = null
  for (let text = words.nextNode(); text; text = words.nextNode()) {
    const range = page.createRange()
    range.selectNodeContents(text)
    const { top, bottom, height } = range.getBoundingClientRect()
    if (height === 0) continue
    lines.push([(text.textContent ?? '').replace(/\s/g, ' '), top - (end ?? top)])
    end = bottom
  }
  return lines
}

it('tables, lists and looks of other programs reach the reader, and so do three hundred recipients of one line', async () => {
  await openBy(page, 'c')
  const to = composer(page).getByLabel('To', { exact: true })
  await to.fill(Array.from({ length: 300 }, (_, n) => `Person ${n} <p${n}@example.org>`).join(' '))
  await page.keyboard.press('Enter')
  expect(await composer(page).locator('.chip').count()).toBe(300)
  await composer(page).getByText('300 recipients').waitFor()
  await composer(page).getByRole('button', { name: 'Person 7 <p7@example.org>', exact: true }).click()
  expect(await to.inputValue()).toBe('Person 7 <p7@example.org>')
  // It is written to as long as nothing else stands there.
  expect(await composer(page).locator('.chip').count()).toBe(300)
  await page.keyboard.press('Enter')
  expect(await composer(page).locator('.chip').count()).toBe(300)
  const asked: string[] = []
  page.on('request', (request) => request.url().includes('/v1/correspondents') && asked.push(request.url()))
  await to.fill('nobody')
  await until(async () => asked.length === 1, { what: 'the question' })
  // Longer than anybody is looked for; by the end of this wait the field would have asked.
  await to.fill('nobody '.repeat(60))
  await page.evaluate(() => new Promise((done) => setTimeout(done, 100)))
  expect(asked).toHaveLength(1)
  await to.fill('')
  await picture(page, 'many-recipients')
  await composer(page).getByLabel('Subject').fill('Pasted')
  await bodyOf(page).click()
  for (const one of [docs, sheet, word, web]) {
    await page.keyboard.press('Control+End')
    await paste(one)
  }
  await page.keyboard.press('Control+End')
  await page.keyboard.type('end of notes.md ')
  await bodyOf(page).getByText('Qty').click()
  await tableTool('Row below').waitFor()
  await page.keyboard.press('End')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.type('Cost')
  await saved(page)
  await expectAccessible(page)
  await picture(page, 'paste')
  await page.keyboard.press('Control+Enter')
  const dialog = page.getByRole('dialog', { name: 'Send it like this?' })
  await dialog.getByText('All 300 recipients see each other’s addresses. With Bcc they would not.').waitFor()
  await dialog.getByRole('button', { name: 'Send anyway' }).click()
  await until(async () => smtp.mails.length > 0, { what: 'the mail' })
  await until(async () => new Set(smtp.mails.flatMap((mail) => mail.to)).size === 300, { what: 'all recipients' })
  const mail = await simpleParser(smtp.mails[0]?.octets ?? '')
  const html = (mail.html || '').replace(/<table [^>]*><tbody>/g, '<table>').replaceAll(' valign="top"', '')
  for (const part of [
    '<p><strong>bold</strong> plain <em>slanted</em> <u>under</u> <s>struck</s> H<sub>2</sub>O</p><div><br></div><p>last</p>',
    '<table><tr><td><strong>Item</strong></td><td>Qty</td><td>Cost</td></tr><tr><td>Pears</td><td align="right">3</td><td align="right">1.50</td></tr><tr><td colspan="3">None left</td></tr></tbody></table>',
    '<p><strong>Quarter report</strong></p><div>see one.one and <a href="https://www.example.org">www.example.org</a> today</div>',
    '<ul><li>First<ul><li>Within</li></ul></li><li>Second</li></ul><ol start="2"><li>Counted</li></ol>',
    '<td><strong>North</strong></td><td align="right">1,234</td>',
    '<p>E = mc<sup>2</sup>, near <a href="https://example.org/far">far</a></p><p>laid out</p><div>besideend of notes.md </div>',
  ])
    expect(html).toContain(part)
  expect(mail.text).toContain('Item | Qty | Cost\nPears | 3 | 1.50\nNone left\n')
  expect(mail.text).toContain('- First\n  - Within\n- Second\n')
  expect(mail.text).toContain('see one.one and www.example.org today')
  expect(screen.problems).toEqual([])
})

it('a table that would be filled to more cells than a page carries comes apart, pasted or opened', async () => {
  const wide = `<table>${'<tr><td colspan="100" rowspan="100">far</td></tr>'.repeat(2)}${'<tr><td>near</td></tr>'.repeat(300)}</table>`
  const shown = () =>
    bodyOf(page).evaluate((editor) => [
      (editor.textContent ?? '').split('far').length - 1,
      editor.querySelectorAll('table').length,
    ])
  await openBy(page, 'c')
  await composer(page).getByLabel('Subject').fill('Wide')
  await bodyOf(page).click()
  await paste(wide)
  await paste(wide.replace('<table', '<table data-pm-slice="0 0 []"'))
  expect(await shown()).toEqual([4, 0])
  await saved(page)
  const [draft] = await draftsAt(screen, 'Wide')
  const content = { ...draft?.content, html: wide }
  await screen.api('PUT', `/v1/drafts/${draft?.id}`, { baseVersion: draft?.version, content })
  await until(async () => (await shown())[0] === 2, { what: 'what was written elsewhere' })
  expect(await shown()).toEqual([2, 0])
  await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  expect(screen.problems).toEqual([])
})

it('a sheet with many rules for many elements is read in no time', async () => {
  await openBy(page, 'c')
  await bodyOf(page).click()
  const rules = Array.from({ length: 500 }, (_, n) => `*{margin:0;color:red;font-weight:${n === 0 ? 700 : 400}}`)
  // Read once for each rule it would take longer than any test may.
  const html = `<style>${rules.join('')}</style><p>bold ${'<i></i>'.repeat(80_000)}</p>`
  await paste(html)
  await bodyOf(page).locator('strong', { hasText: 'bold' }).waitFor()
  await composer(page).getByRole('button', { name: 'Discard draft' }).click()
})

it('a table is changed beside the toolbar, grows by Tab, and is a line each row in plain text', async () => {
  await openBy(page, 'c')
  await bodyOf(page).click()
  await composer(page).getByRole('button', { name: 'Table', exact: true }).click()
  await page.keyboard.type('typed')
  expect(await bodyOf(page).locator('th').allTextContents()).toEqual(['typed', '', ''])
  await tableTool('Delete table').click()
  await paste(sheet)
  await tableTool('Row below').waitFor({ state: 'detached' })
  await bodyOf(page).getByText('None left').click()
  await tableTool('Row below').waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.type('Plums')
  await tableTool('Row below').click()
  expect(await bodyOf(page).locator('tr').allTextContents()).toEqual([
    'ItemQtyPrice',
    'Pears31.50',
    'None left',
    'Plums',
    '',
  ])
  await tableTool('Delete row').click()
  await bodyOf(page).getByText('Item').click()
  await tableTool('Column after').click()
  await composer(page).getByRole('button', { name: 'More for this draft' }).click()
  await page.getByRole('menuitem', { name: 'Write plain text' }).click()
  await until(async () => (await bodyOf(page).evaluate(({ localName }) => localName)) === 'textarea')
  expect(await bodyOf(page).inputValue()).toBe('Item |  | Qty | Price\nPears |  | 3 | 1.50\nNone left\n |  |  |')
  await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  expect(screen.problems).toEqual([])
})

it('what stands in the editor arrives line for line: one Enter is one line, and what came apart stays apart', async () => {
  const { identities } = await (await screen.api('GET', '/v1/identities')).json()
  const signature = '<div>Robin Moss</div><div>Moss Lane 7</div>'
  await screen.api('PATCH', `/v1/identities/${identities[0].id}`, { signature })
  // The test above went on in plain text.
  await screen.api('PATCH', '/v1/settings', { writesPlain: false })
  await openInbox(page, screen.base)
  await write(page, 'bob@example.org', 'Line for line', 'Dear Bob,')
  for (const typed of ['', 'one', '  two  words', '']) {
    await page.keyboard.press('Enter')
    await page.keyboard.type(typed)
  }
  await paste('', 'three\n\nfour')
  await page.keyboard.press('Enter')
  await paste('<p>apart</p><p>far<br></p><p style="margin:0">near</p>')
  await page.keyboard.press('Enter')
  await page.keyboard.type('five')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('six')
  await page.keyboard.press('Enter')
  await page.keyboard.type('- item')
  await saved(page)
  const html = `<div>Dear Bob,</div><div><br></div><div>one</div><div>\u00a0 two\u00a0 words</div><div>three</div><div><br></div><div>four</div><p>apart</p><p>far</p><div>near</div><div>five<br>six</div><ul><li>item</li></ul><div><br></div><div data-signature="${identities[0].id}">${signature}</div>`
  const text =
    'Dear Bob,\n\none\n  two  words\nthree\n\nfour\n\napart\n\nfar\n\nnear\nfive\nsix\n\n- item\n\n-- \nRobin Moss\nMoss Lane 7'
  const htmlNow = async () => (await draftsAt(screen, 'Line for line'))[0]?.content.html
  await until(async () => (await htmlNow())?.includes('<li>item</li>'), { what: 'the draft' })
  expect((await htmlNow())?.replaceAll('&nbsp;', '\u00a0')).toBe(html)
  const before = await bodyOf(page).evaluate(drawn)
  expect(before).toHaveLength(13)
  await picture(page, 'line-for-line')
  // Opened again, and plain for a while.
  await page.reload()
  await bodyOf(page).getByText('Dear Bob,').waitFor()
  expect(await bodyOf(page).evaluate(drawn)).toEqual(before)
  const choose = async (item: string) => {
    await composer(page).getByRole('button', { name: 'More for this draft' }).click()
    await page.getByRole('menuitem', { name: item }).click()
  }
  await choose('Write plain text')
  await until(async () => (await bodyOf(page).evaluate(({ localName }) => localName)) === 'textarea')
  expect(await bodyOf(page).inputValue()).toBe(text)
  await choose('Write with formatting')
  await bodyOf(page).locator('p', { hasText: 'apart' }).waitFor()
  expect(await bodyOf(page).evaluate(drawn)).toEqual(before)
  await saved(page)
  await page.keyboard.press('Control+Enter')
  await until(async () => sentMail(smtp, 'Line for line') !== undefined, { what: 'the mail' })
  const octets = sentMail(smtp, 'Line for line') ?? ''
  const mail = await simpleParser(octets)
  expect((mail.html || '').replaceAll('&nbsp;', '\u00a0')).toContain(`<body>${html}</body>`)
  expect(mail.text?.trimEnd()).toBe(text)
  screen.dovecot.deliver('robin', 'INBOX', octets)
  await rowOf(page, 'Line for line').click()
  await page.frameLocator('iframe.html-body').getByText('Dear Bob,').waitFor()
  const there = await page.locator('iframe.html-body').evaluate(drawn)
  await picture(page, 'line-for-line-read')
  expect(there.map(([words]) => words)).toEqual(before.map(([words]) => words))
  for (const [at, [words, below]] of before.entries())
    expect(Math.abs((there[at]?.[1] ?? 0) - below), words).toBeLessThanOrEqual(2)
  expect(screen.problems).toEqual([])
})
