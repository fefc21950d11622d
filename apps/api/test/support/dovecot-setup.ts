import type { TestProject } from 'vitest/node'
import { startDovecot } from './dovecot.ts'

declare module 'vitest' {
  interface ProvidedContext {
    dovecotSettled: true
  }
}

/** Fails the whole run with one line when Dovecot cannot be had; tests start their own, so that each may differ. */
const setup = async (project: TestProject): Promise<void> => {
  const probe = await startDovecot()
  await probe.stop()
  project.provide('dovecotSettled', true)
}

export { setup }
