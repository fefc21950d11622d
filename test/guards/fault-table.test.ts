import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** What docs/faults.md promises is shown by tests that are there. */
const rows = readFileSync('docs/faults.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| [SP]-\d\d \|/.test(line))
  .map((line) => {
    const [, id = '', , , shownBy = ''] = line.split('|').map((cell) => cell.trim())
    return { id, tests: shownBy.split('<br>').map((one) => /^`([^`]+)`: (.+)$/.exec(one)?.slice(1) ?? [one, '']) }
  })

const pathOf = (file: string): string => (/^(flow|live)\//.test(file) ? `apps/api/test/${file}` : file)

/** As a test may begin: alone, beside others, for each of a list. Skipped ones are nowhere (source-shape.test.ts). */
const beginning = /^[ \t]*it(?:\.concurrent|\.each\(.*\))?\('(.+)'/gm
const comment = /^[ \t]*\/\*[\s\S]*?\*\//gm
const hasTest = (source: string, name: string): boolean =>
  [...source.replace(comment, '').matchAll(beginning)].some(([, found]) => found === name)
const ids = (letter: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${letter}-${String(n + 1).padStart(2, '0')}`)

it('every fault of sending and of maildrops is in the table once, with the tests that show what comes of it', () => {
  expect(rows.map(({ id }) => id)).toEqual([...ids('S', 20), ...ids('P', 21)])
  const missing = rows.flatMap(({ id, tests }) =>
    tests
      .filter(([file = '', name = '']) => {
        const path = pathOf(file)
        if (name === '' || !existsSync(path)) return true
        return !hasTest(readFileSync(path, 'utf8'), name)
      })
      .map(([file, name]) => `${id}: ${file}: ${name}`),
  )
  expect(missing).toEqual([])
})

it('a test that was commented out shows nothing', () => {
  for (const there of [
    "it('is', ",
    "  it.concurrent('is', ",
    "  it.each(kinds)('is', ",
    "]\n  it.each(Object.keys(kinds))('is', ",
  ])
    expect(hasTest(`first()\n${there}() => {})`, 'is'), there).toBe(true)
  for (const gone of [
    "// it('is', ",
    "  //  it.each(kinds)('is', ",
    "/*\n  it('is', () => {})\n*/",
    " * it('is', ",
    "await('is')",
  ])
    expect(hasTest(`first()\n${gone}\n`, 'is'), gone).toBe(false)
})
