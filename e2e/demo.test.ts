import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createTransport } from 'nodemailer'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { openChromium } from './support/postern.ts'
import { rowOf } from './support/screen.ts'

const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === 'object' && address ? address.port : 0
}

describe('the demo', () => {
  let demo: ChildProcess
  let browser: Browser
  let port = 0
  let printed = ''
  const said = (label: string) => new RegExp(`^ *${label} +(.+)$`, 'm').exec(printed)?.[1] ?? ''

  beforeAll(async () => {
    port = await freePort()
    const entry = fileURLToPath(new URL('../demo/main.ts', import.meta.url))
    demo = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '', VITEST: '', PORT: String(port), DATA_DIR: '/nowhere/at/all' },
    })
    demo.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
    browser = await openChromium()
    await until(async () => printed.includes('Ctrl-C ends it all'), { what: 'the words of the demo', ms: 60_000 })
  })
  afterAll(async () => {
    await browser?.close()
    if (demo.exitCode !== null) return
    const ended = new Promise((done) => demo.once('exit', done))
    demo.kill('SIGTERM')
    await ended
  })

  it('says where it is, how to sign in, what another mail program needs, and what it does not use', async () => {
    expect(said('Web mail')).toBe(`http://127.0.0.1:${port}/`)
    expect(said('Another mail program:')).toMatch(/^IMAP at 127\.0\.0\.1, port \d+ /)
    expect(said('user')).toBe('robin')
    expect(printed).toMatch(/^Not used by the demo.*: DATA_DIR$/m)
    const answer = await fetch(`${said('Web mail')}v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-postern': '1', 'user-agent': 'a curl of mine' },
      body: JSON.stringify({ address: said('or with'), password: said('password') }),
    })
    expect(answer.status).toBe(200)
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const list = await fetch(`${said('Web mail')}v1/sessions`, { headers: { cookie } })
    const { sessions } = (await list.json()) as { sessions: { userAgent: string }[] }
    expect(sessions.map(({ userAgent }) => userAgent)).toEqual(['a curl of mine'])
  })

  it('signs a visitor in, and shows the pictures of a newsletter once they are wanted', async () => {
    const page = await browser.newPage()
    await page.goto(said('signs you in'))
    expect(new URL(page.url()).port).toBe(String(port))
    await rowOf(page, 'Tide and Timber').click()
    await page.getByRole('button', { name: 'Load once' }).click()
    const header = page.frameLocator('iframe.html-body').locator('img[width="600"]')
    await until(() => header.evaluate((image) => (image as HTMLImageElement).naturalWidth === 600), {
      what: 'the picture',
    })
    expect(await page.getByText('could not be loaded').count()).toBe(0)
    // Whoever sends to the printed port sees it arrive.
    const smtpPort = Number(/Mail sent to 127\.0\.0\.1:(\d+)/.exec(printed)?.[1])
    const sender = createTransport({ host: '127.0.0.1', port: smtpPort })
    const letter = { from: 'me@example.org', to: 'robin@example.org', subject: 'By my own program', text: 'It works.' }
    await sender.sendMail(letter)
    await rowOf(page, 'By my own program').waitFor()
    // And in the account read over POP3, by its address.
    await sender.sendMail({ ...letter, to: 'robin@harbour.example', subject: 'To the maildrop' })
    sender.close()
    await page.getByRole('button', { name: 'Sync now: robin@harbour.example' }).click()
    await page
      .getByRole('link', { name: /^Inbox/ })
      .nth(1)
      .click()
    await rowOf(page, 'To the maildrop').waitFor()
  })
})
