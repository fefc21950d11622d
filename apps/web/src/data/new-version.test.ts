import { describe, expect, it } from 'vitest'
import { isOtherBuild } from './new-version.ts'

const page = '<script src="/_next/static/chunks/a.js"></script><script>"/_next/static/chunks/b.js"</script>'

describe('a page from the server', () => {
  it('is the same build when all its scripts are here, even if more were loaded since', () => {
    const loaded = ['/_next/static/chunks/a.js', '/_next/static/chunks/b.js', '/_next/static/chunks/lazy.js']
    expect(isOtherBuild(page, loaded)).toBe(false)
  })
  it('is another build when it names a script that is not', () => {
    expect(isOtherBuild(page, ['/_next/static/chunks/a.js'])).toBe(true)
  })
  it('tells nothing when it names no script, as an error page does', () => {
    expect(isOtherBuild('<h1>Bad gateway</h1>', [])).toBe(false)
  })
})
