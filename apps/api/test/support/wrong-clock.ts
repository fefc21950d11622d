import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a process started with `environment` takes for the time of day, by faketime(1). Its other clock goes on as it is. */
export type WrongClock = {
  environment: Record<string, string>
  /** From now on, in every process that has it: `+1d`, `-1d`. */
  jump: (by: string) => void
  /** How wrong it is, by a process that is asked. */
  wrongByMs: () => number
  stop: () => void
}

const lib = '/usr/lib'

export const startWrongClock = (): WrongClock => {
  const library = readdirSync(lib)
    .map((name) => join(lib, name, 'faketime/libfaketimeMT.so.1'))
    .find(existsSync)
  if (!library) throw new Error('install faketime')
  const dir = mkdtempSync(join(tmpdir(), 'postern-clock-'))
  const file = join(dir, 'time')
  const jump = (by: string) => {
    writeFileSync(`${file}.new`, `${by}\n`)
    renameSync(`${file}.new`, file)
  }
  jump('+0')
  const environment = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
  return {
    environment,
    jump,
    wrongByMs: () =>
      Number(execFileSync(process.execPath, ['-p', 'Date.now()'], { env: environment, encoding: 'utf8' })) - Date.now(),
    stop: () => rmSync(dir, { recursive: true }),
  }
}
