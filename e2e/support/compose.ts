import type { Locator, Page } from 'playwright-core'
import type { Screen } from './screen.ts'

/** The panel that was opened last, and what is done in it. */
export const composer = (page: Page): Locator => page.locator('[data-composer]').last()
export const bodyOf = (page: Page): Locator => composer(page).locator(':is([contenteditable="true"], textarea)')
export const saved = (page: Page): Promise<void> =>
  composer(page)
    .getByText(/^Saved/)
    .waitFor()

/** By a key, which is a letter of the text where somebody writes already. */
export const openBy = async (page: Page, key: string): Promise<void> => {
  const open = await page.locator('[data-composer]').count()
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur())
  await page.keyboard.press(key)
  await page.locator('[data-composer]').nth(open).waitFor()
}

export const write = async (page: Page, to: string, subject: string, text: string): Promise<void> => {
  await openBy(page, 'c')
  await composer(page).getByLabel('To', { exact: true }).fill(to)
  await page.keyboard.press('Enter')
  await composer(page).getByLabel('Subject').fill(subject)
  await bodyOf(page).click()
  // Above the signature.
  await page.keyboard.press('Control+Home')
  await page.keyboard.type(text)
}

export type WrittenDraft = {
  id: string
  version: number
  content: { subject: string; html: string; to: { address: string }[]; identityId: string }
  attachments: { filename: string; contentId: string | null }[]
}
export const draftsAt = async ({ api }: Pick<Screen, 'api'>, subject: string): Promise<WrittenDraft[]> => {
  const { drafts } = (await (await api('GET', '/v1/drafts')).json()) as { drafts: WrittenDraft[] }
  return drafts.filter(({ content }) => content.subject === subject)
}
