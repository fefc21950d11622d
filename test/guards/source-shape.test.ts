import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((path) => /\.(ts|tsx|mjs)$/.test(path))
const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // listed but deleted in the working tree
  }
}

describe('the source', () => {
  it('has no file over 400 lines', () => {
    expect(
      tracked
        .map((path) => `${read(path).split('\n').length - 1} ${path}`)
        .filter((line) => Number.parseInt(line, 10) > 400),
    ).toEqual([])
  })

  it('has no drawers', () => {
    expect(tracked.filter((path) => /(^|\/)(utils?|helpers?|common|misc|manager|service)s?[./]/.test(path))).toEqual([])
  })

  it('has no skipped or lone tests', () => {
    const marks = /\b(?:it|test|describe)\.(?:skip|only|todo|skipIf|runIf)\b/
    expect(
      tracked.filter(
        (path) => /\.test\.tsx?$/.test(path) && marks.test(read(path)) && !path.endsWith('source-shape.test.ts'),
      ),
    ).toEqual([])
  })

  it('never evaluates text as code', () => {
    const marks = /\beval\(|new Function\(|from 'node:vm'/
    expect(tracked.filter((path) => marks.test(read(path)) && !path.endsWith('source-shape.test.ts'))).toEqual([])
  })
})
