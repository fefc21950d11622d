import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** What docs/faults.md promises is shown by tests that are there. */
const rows = readFileSync('docs/faults.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| S-\d\d \|/.test(line))
  .map((line) => {
    const [, id = '', , , shownBy = ''] = line.split('|').map((cell) => cell.trim())
    return { id, tests: shownBy.split('<br>').map((one) => /^`([^`]+)`: (.+)$/.exec(one)?.slice(1) ?? [one, '']) }
  })

const pathOf = (file: string): string => (/^(flow|live)\//.test(file) ? `apps/api/test/${file}` : file)

it('every fault of sending is in the table once, with the tests that show what comes of it', () => {
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, n) => `S-${String(n + 1).padStart(2, '0')}`))
  const missing = rows.flatMap(({ id, tests }) =>
    tests
      .filter(([file = '', name = '']) => {
        const path = pathOf(file)
        return name === '' || !existsSync(path) || !readFileSync(path, 'utf8').includes(`it('${name}'`)
      })
      .map(([file, name]) => `${id}: ${file}: ${name}`),
  )
  expect(missing).toEqual([])
})
