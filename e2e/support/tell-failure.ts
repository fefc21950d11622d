import type { Page } from 'playwright-core'
import { afterEach } from 'vitest'

/** Pages that stand open, for the moment a test fails: what it looked at says more than that something did not come. */
export const openPages = new Set<Page>()
const maxCharacters = 2000

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return
  for (const page of openPages) {
    // A closed page, or one in which a dialog stands still, has nothing to say.
    const text = await page.evaluate(shownThere).catch(() => null)
    if (text) console.log(`at ${page.url()}, when “${task.name}” failed:\n${text.slice(0, maxCharacters)}`)
  }
})

const shownThere = (): string => {
  const focus = document.activeElement
  const label = focus?.getAttribute('aria-label') ?? focus?.textContent.slice(0, 40) ?? ''
  const parts = ['[role=alert]', 'dialog', '[data-composer]', '.toasts', 'main']
  const texts = parts.flatMap((part) =>
    [...document.querySelectorAll(part)].map(({ textContent }) => `${part}: ${textContent.slice(0, 500)}`),
  )
  return [`focus: ${focus?.tagName} ${label}`, ...texts].join('\n')
}
