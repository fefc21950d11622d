import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { composerMessages } from '../../apps/web/src/lib/composer-messages-en.ts'
import { messages } from '../../apps/web/src/lib/messages-en.ts'
import { pageMessages } from '../../apps/web/src/lib/page-messages-en.ts'

/** What a person reads or hears: attributes that are said, and text between, before and after what is filled in. */
const said =
  /\b(?:aria-label|alt|title|label|hint|placeholder|legend|empty|failed|text|action|cancel)=(?:"([^"]*)"|\{[`']([^`']*)[`']\})/g
const text = String.raw`([^<>{}()=;]*\p{L}{2}[^<>{}()=;]*)`
const written = [new RegExp(`[>}]${text}</`, 'gu'), new RegExp(`(?<!=)>${text}\\{`, 'gu')]

/** What is the same in every language. */
const names = new Set(['Postern', 'Ctrl K', 'SHA-256', 'ms'])

const wordsIn = (path: string): string[] =>
  [said, ...written]
    .flatMap((pattern) => [...readFileSync(path, 'utf8').matchAll(pattern)])
    .map(([, one, other]) => (one ?? other ?? '').replace(/\$\{[^}]*\}/g, '').trim())
    .filter((words) => /\p{L}{2}/u.test(words) && !names.has(words))
    .map((words) => `${path}: ${words}`)

const sources = globSync('apps/web/src/**/*.{ts,tsx}').filter(
  (path) => !path.includes('.test.') && !path.endsWith('messages-en.ts'),
)

describe('words on the screen', () => {
  it('stand in the catalogue, not in the page', () => {
    expect(sources.filter((path) => path.endsWith('.tsx')).flatMap(wordsIn)).toEqual([])
  })

  it('are each said in one catalogue, and somewhere on the screen', () => {
    expect(Object.keys(pageMessages).filter((key) => key in messages)).toEqual([])
    expect(Object.keys(composerMessages).filter((key) => key in messages || key in pageMessages)).toEqual([])
    const code = sources.map((path) => readFileSync(path, 'utf8')).join('\n')
    const made = [...code.matchAll(/`([a-zA-Z]+\.)\$\{/g)].map(([, start = '']) => start)
    const isSaid = (key: string) =>
      code.includes(`'${key}'`) ||
      made.some((start) => key.startsWith(start)) ||
      /\.(?:one|other)$/.test(key) ||
      /^(?:done|many)\./.test(key)
    expect([messages, pageMessages, composerMessages].flatMap(Object.keys).filter((key) => !isSaid(key))).toEqual([])
  })
})
