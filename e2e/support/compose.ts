import type { Locator, Page } from 'playwright-core'
import type { Screen } from './screen.ts'

/** The panel that was opened last, and what is done in it. */
export const composer = (page: Page): Locator => page.locator('[data-composer]').last()
export const bodyOf = (page: Page): Locator => composer(page).locator('[contenteditable="true"]')
export const saved = (page: Page): Promise<void> =>
  composer(page)
    .getByText(/^Saved/)
    .waitFor()

export const write = async (page: Page, to: string, subject: string, text: string): Promise<void> => {
  await page.keyboard.press('c')
  await composer(page).getByLabel('To', { exact: true }).fill(to)
  await page.keyboard.press('Enter')
  await composer(page).getByLabel('Subject').fill(subject)
  await bodyOf(page).click()
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
