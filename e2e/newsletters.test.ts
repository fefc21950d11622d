import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Paper } from '../apps/web/src/features/message-view/show-mail.ts'
import { openStage, type Stage, type StageWindow } from './message-safety/stage.ts'
import { openChromium } from './support/postern.ts'

/** What a person sees of a newsletter is what its maker wanted: the same boxes, colours and fonts as without the sanitiser. */
describe('newsletters keep their look', () => {
  let browser: Browser
  let stage: Stage
  beforeAll(async () => {
    browser = await openChromium()
    stage = await openStage(browser)
  })
  afterAll(async () => {
    await stage?.stop()
    await browser?.close()
  })

  /** Shows a newsletter as it is and as the view shows it, with pictures allowed; answers the looks of both. */
  const compare = async (name: string, { width, paper }: { width: number; paper: Paper }) => {
    const html = readFileSync(new URL(`newsletters/${name}.html`, import.meta.url), 'utf8').replaceAll(
      'IMG/',
      stage.vectorUrl('x-'),
    )
    const page = await stage.open([{ html }, { html: '<!doctype html>' }])
    await page.setViewportSize({ width: 1500, height: 1000 })
    const scheme = paper === 'dark' ? 'dark' : 'light'
    await page.emulateMedia({ colorScheme: scheme })
    await page.addStyleTag({
      content: `iframe { position: static; width: ${width}px; height: 900px; border: 0; color-scheme: ${scheme} }`,
    })
    const mail = await page.evaluate(
      ([source, on]) => {
        const { showSanitized, showRemote } = window as unknown as StageWindow // by the stage
        const frame = document.querySelectorAll('iframe')[1]
        if (!frame?.contentDocument) throw new Error('there is no frame')
        const shown = showSanitized(frame, source, on)
        const urls = [...shown.images, ...shown.backgrounds]
        showRemote(frame.contentDocument, shown, Object.fromEntries(urls.map((url) => [url, url])))
        return { remote: urls.length, bringsDark: shown.bringsDark }
      },
      [html, paper] as const,
    )
    await stage.settled()
    const looks = await page.evaluate(() => {
      // Where a mail names no font it gets ours, which is meant.
      const named = (font = '') => font.replace(/^(?:"Times New Roman"|system-ui, sans-serif)$/, 'no font')
      return [...document.querySelectorAll('iframe')].map((frame) => {
        const inside = frame.contentDocument
        return [...(inside?.body.querySelectorAll('*') ?? []), ...(inside ? [inside.body] : [])]
          .filter(({ tagName }) => !/^(?:STYLE|META|LINK|TITLE)$/.test(tagName))
          .map((element) => {
            const { x, y, width: wide, height } = element.getBoundingClientRect()
            const style = frame.contentWindow?.getComputedStyle(element)
            return `${element.tagName} ${[x, y, wide, height].map(Math.round).join(',')} ${style?.color} ${style?.backgroundColor} ${style?.backgroundImage === 'none' ? '' : 'picture'} ${named(style?.fontFamily)} ${style?.fontSize} ${style?.fontWeight} ${style?.textAlign} ${style?.borderColor} ${style?.borderRadius}`
          })
      })
    })
    await page.close()
    return { ...mail, before: looks[0] ?? [], after: looks[1] ?? [] }
  }

  it.each([
    { name: 'tables', width: 720, remote: 4 },
    { name: 'tables', width: 640, remote: 4 },
    { name: 'sheets', width: 720, remote: 3 },
    { name: 'sheets', width: 390, remote: 3 },
    { name: 'dark', width: 720, remote: 0 },
  ])('$name, $width wide', async ({ name, width, remote }) => {
    const shown = await compare(name, { width, paper: 'white' })
    expect(shown.before.length).toBeGreaterThan(8)
    expect(shown.after).toEqual(shown.before)
    expect(shown.remote).toBe(remote)
  })

  it('one that brings a dark look shows it on a dark screen', async () => {
    const shown = await compare('dark', { width: 720, paper: 'dark' })
    expect(shown.bringsDark).toBe(true)
    expect(shown.after).toEqual(shown.before)
    expect(shown.after.join()).toContain('rgb(29, 33, 64)')
  })

  it('one as high as its window does not grow without end', async () => {
    const page = await stage.open([{ html: '<!doctype html>' }])
    const html =
      '<html style="height:100% !important"><style>html,body{height:100%!important;min-height:100vh}#t{height:100%}</style><body style="height:100vh;padding:20px"><table id="t" height="100%"><tr><td>x</td></tr></table>'
    const heights = await page.evaluate((source) => {
      const { showSanitized } = window as unknown as StageWindow // by the stage
      const frame = document.querySelector('iframe')
      const inside = frame?.contentDocument
      if (!frame || !inside) throw new Error('there is no frame')
      showSanitized(frame, source, 'white')
      return [200, 400, 800].map((height) => {
        frame.style.height = `${height}px`
        return frame.contentDocument?.body.getBoundingClientRect().height
      })
    }, html)
    expect(new Set(heights).size).toBe(1)
    await page.close()
  })
})
