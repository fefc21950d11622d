import type { Account } from '@postern/shared/accounts.ts'
import { t } from '#lib/page-text.ts'

type Switching = NonNullable<Account['switching']>

/** How far a change of protocol is, in words; what there is none of goes unsaid. */
export const switchWords = (kind: Account['kind'], switching: Switching): { text: string; counts: string } => {
  const { to, total, found, brought, isTold } = switching
  const left = Math.max(0, total - found - brought)
  const key = to === 'imap' ? (isTold ? 'left' : 'running') : kind === 'imap' ? 'running' : 'meeting'
  return {
    text: textOf(to, key, left),
    counts: (['found', 'brought'] as const)
      .filter((what) => switching[what] > 0)
      .map((what) => t(`switch.${to}.${what}`, { n: switching[what].toLocaleString() }))
      .join(' · '),
  }
}

const textOf = (to: Switching['to'], key: 'left' | 'running' | 'meeting', left: number): string => {
  const n = left.toLocaleString()
  if (key === 'left') return t(left === 1 ? 'switch.leftOne' : 'switch.left', { n })
  if (key === 'meeting') return t(left === 0 ? 'home.meetingLast' : 'home.meeting', { n })
  if (to === 'imap') return t(left === 0 ? 'switch.runningLast' : 'switch.running', { n })
  return t(left === 0 ? 'home.runningLast' : 'home.running', { n })
}
