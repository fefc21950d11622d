import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, openBy } from './support/compose.ts'
import { type Outgoing, startOutgoing } from './support/outgoing.ts'
import { deliver, openInbox, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** Where what is typed lands: in the mail, and never in the signature below it. */
let screen: Screen
let smtp: Outgoing
let page: Page
const openOn = async (width: number, height: number, hasTouch = false): Promise<Page> => {
  const context = await screen.newContext({ viewport: { width, height }, hasTouch, isMobile: hasTouch })
  const opened = await screen.newPage(context)
  await openInbox(opened, screen.base)
  return opened
}
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  const { identities } = await (await screen.api('GET', '/v1/identities')).json()
  const signature = '<p>Robin at home</p><p>Phone 123</p>'
  await screen.api('PATCH', `/v1/identities/${identities[0].id}`, { name: 'Robin', signature })
  await screen.api('POST', `/v1/accounts/${smtp.accountId}/identities`, {
    ...{ name: 'Robin', address: 'robin@work.example' },
    signature: '<p>The office</p><p>Phone 456</p>',
  })
  const content = { subject: '', html: '<p>Thank you for the roses.</p>' }
  await screen.api('PUT', `/v1/templates/${crypto.randomUUID()}`, {
    baseVersion: 0,
    content: { name: 'Thanks', ...content },
  })
})
beforeEach(async () => {
  page = await openOn(1440, 900)
})
afterEach(async () => {
  await page.context().close()
  await screen.api('PATCH', '/v1/settings', { writesPlain: false })
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const linesOf = (place: string) => bodyOf(page).locator(place).allInnerTexts()
/** What stands above the signature, and the signature. */
const written = async () => ({
  above: (await linesOf('> :is(p, div):not([data-signature])')).map((line) => line.trim()).filter(Boolean),
  signed: (await linesOf('[data-signature] > *')).map((line) => line.trim()),
})
const asHome = { signed: ['Robin at home', 'Phone 123'] }
const asOffice = { signed: ['The office', 'Phone 456'] }
const writeAs = async (address: string) => {
  await composer(page)
    .getByLabel('From', { exact: true })
    .selectOption({ label: `Robin <${address}>` })
  await bodyOf(page).locator('[data-signature]', { hasText: 'The office' }).waitFor()
}
const discard = async () => {
  await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  await page.locator('[data-composer]').waitFor({ state: 'detached' })
}
const makePlain = async () => {
  await composer(page).getByRole('button', { name: 'More for this draft' }).click()
  await page.getByRole('menuitem', { name: 'Write plain text' }).click()
  await composer(page).locator('textarea').waitFor()
}
const boxOf = async (place: string) => {
  const box = await bodyOf(page).locator(place).boundingBox()
  if (!box) throw new Error(`${place} is not to be seen`)
  return box
}
/** Into the free room under all that is written. */
const pressBelow = async (press: (x: number, y: number) => Promise<void>) => {
  const signature = await boxOf('[data-signature]')
  await press(signature.x + signature.width / 2, signature.y + signature.height + 30)
}
const click = (x: number, y: number) => page.mouse.click(x, y)
const tap = (x: number, y: number) => page.touchscreen.tap(x, y)

describe('in a new mail, of which nothing is written yet', () => {
  it('a click anywhere into the text puts what is typed above the signature', async () => {
    await openBy(page, 'c')
    await bodyOf(page).click()
    await page.keyboard.type('Hello there')
    expect(await written()).toEqual({ above: ['Hello there'], ...asHome })
    await discard()
    await openBy(page, 'c')
    await pressBelow(click)
    await page.keyboard.type('Hello below')
    expect(await written()).toEqual({ above: ['Hello below'], ...asHome })
    await discard()
    await openBy(page, 'c')
    await bodyOf(page).getByText('Phone 123').click()
    await page.keyboard.type('Hello')
    expect(await written()).toEqual({ above: ['Hello'], ...asHome })
    await picture(page, 'caret')
    await discard()
  })

  it('a second click on the signature is for the signature', async () => {
    await openBy(page, 'c')
    await bodyOf(page).click()
    await bodyOf(page).getByText('Phone 123').click()
    await page.keyboard.press('End')
    await page.keyboard.type('4')
    expect(await written()).toEqual({ above: [], signed: ['Robin at home', 'Phone 1234'] })
    await discard()
  })

  it('so do Tab, a click and a template after it was to come from another', async () => {
    await openBy(page, 'c')
    await writeAs('robin@work.example')
    await composer(page).getByLabel('Subject').focus()
    await page.keyboard.press('Tab')
    for (let n = 0; n < 40 && !(await bodyOf(page).evaluate((one) => one === document.activeElement)); n++)
      await page.keyboard.press('Tab')
    await page.keyboard.type('Typed by Tab')
    expect(await written()).toEqual({ above: ['Typed by Tab'], ...asOffice })
    await discard()
    await openBy(page, 'c')
    await writeAs('robin@work.example')
    await bodyOf(page).click()
    await page.keyboard.type('Clicked')
    expect(await written()).toEqual({ above: ['Clicked'], ...asOffice })
    await discard()
    await openBy(page, 'c')
    await writeAs('robin@work.example')
    await putIn()
    expect(await written()).toEqual({ above: ['Thank you for the roses.'], ...asOffice })
    await picture(page, 'caret-template')
    await discard()
  })

  it('a tap on a phone does the same', async () => {
    await page.context().close()
    page = await openOn(390, 844, true)
    const compose = async () => {
      await page.getByRole('button', { name: 'Compose' }).last().tap()
      await bodyOf(page).waitFor()
    }
    await compose()
    await bodyOf(page).tap()
    await page.keyboard.type('Hello there')
    expect(await written()).toEqual({ above: ['Hello there'], ...asHome })
    await picture(page, 'caret-phone')
    await discard()
    await compose()
    await writeAs('robin@work.example')
    await pressBelow(tap)
    await page.keyboard.type('Hello below')
    expect(await written()).toEqual({ above: ['Hello below'], ...asOffice })
    await discard()
  })

  it('plain text begins above its signature, too', async () => {
    await openBy(page, 'c')
    await makePlain()
    const typed = () => bodyOf(page).inputValue()
    await bodyOf(page).click()
    await page.keyboard.type('Clicked')
    expect(await typed()).toMatch(/^Clicked\n+-- \nRobin at home/)
    await discard()
    await openBy(page, 'c')
    await composer(page).getByLabel('From', { exact: true }).selectOption({ label: 'Robin <robin@work.example>' })
    await until(async () => (await typed()).includes('The office'), { what: 'the other signature' })
    await bodyOf(page).focus()
    await page.keyboard.type('By Tab')
    expect(await typed()).toMatch(/^By Tab\n+-- \nThe office/)
    await discard()
    await openBy(page, 'c')
    await composer(page).getByLabel('From', { exact: true }).selectOption({ label: 'Robin <robin@work.example>' })
    await until(async () => (await typed()).includes('The office'), { what: 'the other signature again' })
    await putIn()
    expect(await typed()).toMatch(/^Thank you for the roses\.\s*\n-- \nThe office/)
    await discard()
  })
})

const putIn = async () => {
  await composer(page).getByRole('button', { name: 'Templates', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Thanks', exact: true }).click()
  const isIn = () =>
    bodyOf(page).evaluate((one) => /roses/.test('value' in one ? `${one.value}` : `${one.textContent}`))
  await until(isIn, { what: 'the template' })
}

describe('in a mail that is written', () => {
  it('a click below the signature of a plain text goes on above it, one on it is for the signature', async () => {
    await openBy(page, 'c')
    await makePlain()
    await bodyOf(page).click()
    await page.keyboard.type('Hello')
    /** Beside the last line of the text, or so far below it. */
    const pressAtEnd = async (below: number) => {
      const at = await bodyOf(page).evaluate((area: HTMLTextAreaElement) => {
        const { top, left, width } = area.getBoundingClientRect()
        const { paddingTop, lineHeight } = getComputedStyle(area)
        const lines = area.value.split('\n').length - 0.5
        return { x: left + width / 2, y: top + Number.parseFloat(paddingTop) + lines * Number.parseFloat(lineHeight) }
      })
      await click(at.x, at.y + below)
    }
    await pressAtEnd(40)
    await page.keyboard.type(' again')
    expect(await bodyOf(page).inputValue()).toMatch(/^Hello again\n+-- \nRobin at home\n+Phone 123$/)
    await pressAtEnd(0)
    await page.keyboard.type('4')
    expect(await bodyOf(page).inputValue()).toMatch(/^Hello again\n+-- \nRobin at home\n+Phone 1234$/)
    await discard()
  })

  it('a click below the signature gives a line of its own, once', async () => {
    await openBy(page, 'c')
    await bodyOf(page).click()
    await page.keyboard.type('Hello')
    const before = await bodyOf(page).locator('> *').count()
    await pressBelow(click)
    await pressBelow(click)
    await page.keyboard.type('PS: tomorrow')
    expect(await bodyOf(page).locator('> *').count()).toBe(before + 1)
    expect(await written()).toEqual({ above: ['Hello', 'PS: tomorrow'], ...asHome })
    await picture(page, 'caret-below')
    await discard()
  })

  it('one goes on where one was after it is to come from another, and a template never goes into the signature', async () => {
    await openBy(page, 'c')
    await bodyOf(page).click()
    await page.keyboard.type('Hello you')
    // Right after a letter the editor takes the caret back to where it knows it.
    await until(
      async () => {
        const at = await page.evaluate(() => document.getSelection()?.focusOffset)
        if (at !== 'Hello'.length) await page.keyboard.press('ArrowLeft')
        return at === 'Hello'.length
      },
      { what: 'the caret before the last word' },
    )
    await writeAs('robin@work.example')
    await bodyOf(page).focus()
    await page.keyboard.type(' to')
    expect(await written()).toEqual({ above: ['Hello to you'], ...asOffice })
    await bodyOf(page).getByText('Phone 456').click()
    await putIn()
    const { above, signed } = await written()
    expect([above.join(' '), signed]).toEqual(['Hello to you Thank you for the roses.', asOffice.signed])
    await discard()
  })

  it('one writes above the quote that was taken in to be edited', async () => {
    deliver(screen.dovecot, 'Quoted', 'Content-Type: text/html\r\n', '<p>Where is the <b>key</b>?</p>')
    await rowOf(page, 'Quoted').click()
    await page.frameLocator('article.message iframe').getByText('Where is the').waitFor()
    await openBy(page, 'r')
    await composer(page).getByRole('button', { name: 'Edit quote' }).click()
    await bodyOf(page).locator('blockquote').waitFor()
    await until(() => bodyOf(page).evaluate((one) => one === document.activeElement), { what: 'the focus' })
    await page.keyboard.type('Under the mat')
    expect((await linesOf('> *'))[0]).toBe('Under the mat')
    expect(await bodyOf(page).locator('blockquote').textContent()).not.toContain('Under the mat')
    await picture(page, 'caret-quote')
    await discard()
    expect(screen.problems).toEqual([])
  })
})
