import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type Scene, startScene } from './kill-sweep-fixture.ts'

/**
 * kill -9 of the engine before and after every exchange with the mail server and every durable commit of a whole
 * scenario. Each time it is started again and must come to the same end as if nothing had happened; once more, and
 * nothing may change. A part of the moments is tried here, evenly spread; FULL_KILL_SWEEP=1/1 tries them all,
 * FULL_KILL_SWEEP=3/10 the third tenth of them.
 */
const [slice = 0, slices = 0] = (process.env.FULL_KILL_SWEEP ?? '').split('/').map(Number)
const isFull = slices > 0

const servers = [
  { title: 'a server with MOVE', settings: '', samples: { firstSync: 4, afterwards: 1 } },
  {
    title: 'a server without MOVE',
    settings:
      'imap_capability = IMAP4rev1 LITERAL+ ENABLE IDLE NAMESPACE CONDSTORE LIST-STATUS LIST-EXTENDED SPECIAL-USE UNSELECT UIDPLUS',
    // The first sync moves nothing: it is the same here.
    samples: { firstSync: 0, afterwards: 1 },
  },
]

const name = (n: number) => `Letter ${String(n).padStart(2, '0')}`
const mail = (n: number) =>
  `From: "Ann Lee" <ann@example.org>\r\nTo: bob@example.org\r\nSubject: ${name(n)}\r\nMessage-ID: <m${n}@example.org>\r\n${n % 5 === 0 ? `References: <m${n - 1}@example.org>\r\n` : ''}Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`
const many = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)

const put = ({ dovecot, user, wanted }: Scene, mailbox: string, numbers: number[], flags: string[] = []): void => {
  for (const n of numbers) {
    dovecot.deliver(user, mailbox, mail(n), flags.length > 0 ? { flags } : {})
    wanted.set(name(n), { mailbox, flags })
  }
}
const change = ({ wanted }: Scene, numbers: number[], edit: (entry: { mailbox: string; flags: string[] }) => void) => {
  for (const n of numbers) {
    const entry = wanted.get(name(n))
    if (!entry) throw new Error(`no ${name(n)}`)
    edit(entry)
  }
}
const flagged = (flag: string) => (entry: { flags: string[] }) => {
  entry.flags = [...entry.flags, flag]
}
const into = (mailbox: string) => (entry: { mailbox: string }) => {
  entry.mailbox = mailbox
}

/** What happens once the mailbox is known, one step after the other. */
const steps = (scene: Scene): [string, () => Promise<void>][] => {
  const { dovecot, user, target, give } = scene
  let moved = ''
  return [
    [
      'flags here and elsewhere',
      async () => {
        change(scene, many(1, 5), flagged('\\Flagged'))
        change(scene, many(6, 7), flagged('\\Answered'))
        for (const n of many(6, 7))
          dovecot.doveadm('flags', 'add', '-u', user, '\\Answered', 'mailbox', 'INBOX', 'header', 'subject', name(n))
        await give({ kind: 'setFlags', target: await target('INBOX', many(1, 5).map(name)), add: ['flagged'] })
      },
    ],
    [
      'a move',
      async () => {
        change(scene, many(1, 4), into('Work'))
        const toMailboxId = await scene.mailboxId('Work')
        moved = await give({ kind: 'moveMessages', target: await target('INBOX', many(1, 4).map(name)), toMailboxId })
      },
    ],
    [
      'into the trash',
      async () => {
        change(scene, many(41, 43), into('Trash'))
        await give({ kind: 'moveToRole', target: await target('Archive', many(41, 43).map(name)), role: 'trash' })
      },
    ],
    [
      'new mail and an expunge elsewhere',
      async () => {
        put(scene, 'INBOX', many(61, 63))
        put(scene, 'Work', [64])
        dovecot.doveadm('expunge', '-u', user, 'mailbox', 'Archive', 'header', 'subject', name(44))
        scene.wanted.delete(name(44))
        await scene.lookAround()
      },
    ],
    [
      'the move taken back',
      async () => {
        change(scene, many(1, 4), into('INBOX'))
        await scene.undo(moved)
      },
    ],
    [
      'deleted for good',
      async () => {
        for (const n of many(41, 42)) scene.wanted.delete(name(n))
        await give({ kind: 'expungeMessages', target: await target('Trash', many(41, 42).map(name)) })
      },
    ],
  ]
}

/** Evenly spread moments out of 1..last; in a full sweep those of this slice. */
const choose = (last: number, count: number): number[] =>
  isFull && count > 0
    ? many(1, last).filter((moment) => moment % slices === slice % slices)
    : many(1, count).map((n) => Math.ceil(((n - 0.5) * last) / count))

describe.each(servers)('an engine that is killed, at $title', ({ title, settings, samples }) => {
  let dovecot: Dovecot
  let golden: { firstSync: number; afterwards: number[] } | undefined
  let tried = 0
  let survived = 0
  let runs = 0
  beforeAll(async () => {
    dovecot = await startDovecot({ settings })
  })
  const counted = () => {
    if (!golden) throw new Error('the moments were not counted')
    return golden
  }
  afterAll(async () => {
    await dovecot.stop()
    const { firstSync, afterwards } = counted()
    const whole = (samples.firstSync > 0 ? firstSync : 0) + afterwards.reduce((sum, passed) => sum + passed, 0)
    const how = isFull ? `slice ${slice} of ${slices}` : 'a sample; FULL_KILL_SWEEP=1/1 tries them all'
    console.log(`${title}: kill points survived ${survived} of ${tried} tried, of ${whole} in all (${how})`)
  })

  const begin = async (): Promise<Scene> => {
    const user = `sweep${runs++}`
    dovecot.addUser(user, 'secret')
    const scene = await startScene(dovecot, user)
    put(scene, 'INBOX', many(1, 40))
    put(scene, 'Archive', many(41, 50), ['\\Seen'])
    put(scene, 'Work', many(51, 60), ['\\Seen', '\\Flagged'])
    return scene
  }
  const nothing = async () => undefined
  /** One step with a kill; a moment that did not come this time is no moment. */
  const strike = async (scene: Scene, act: () => Promise<void>, moment: number) => {
    if (moment > 0) tried++
    const { reached } = await scene.through(act, moment)
    if (reached !== null) survived++
    else if (moment > 0) tried--
  }

  /** Kills that nothing reached show nothing. Of a slice no moment need come. */
  const expectStruck = (wanted: number, reached: number) => {
    if (wanted > 0 && !isFull) expect(reached).toBeGreaterThan(0)
  }

  it('is counted once without a kill', async () => {
    const scene = await begin()
    try {
      const firstSync = (await scene.through(nothing, 0)).passed
      const afterwards: number[] = []
      for (const [, act] of steps(scene)) afterwards.push((await scene.through(act, 0)).passed)
      await scene.expectNothingLeftToDo()
      golden = { firstSync, afterwards }
    } finally {
      await scene.stop()
    }
    expect(counted().firstSync).toBeGreaterThan(40)
    expect(Math.min(...counted().afterwards)).toBeGreaterThan(4)
  }, 300_000)

  it('finishes the first sync all the same', async () => {
    for (const moment of choose(counted().firstSync, samples.firstSync)) {
      const scene = await begin()
      try {
        await strike(scene, nothing, moment)
        await scene.expectNothingLeftToDo()
      } finally {
        await scene.stop()
      }
    }
    expectStruck(samples.firstSync, survived)
  }, 7_200_000)

  it('neither loses nor doubles anything afterwards', async () => {
    const { afterwards } = counted()
    const longest = Math.max(...afterwards)
    const before = survived
    for (const turn of choose(longest, samples.afterwards)) {
      const scene = await begin()
      try {
        await scene.through(nothing, 0)
        for (const [index, [, act]] of steps(scene).entries()) {
          const last = afterwards[index] ?? 0
          // In a sample each step is hit at the same place of its own length.
          const moment = isFull ? turn : Math.round((turn * last) / longest)
          await strike(scene, act, moment <= last ? moment : 0)
        }
        await scene.expectNothingLeftToDo()
      } finally {
        await scene.stop()
      }
    }
    expectStruck(samples.afterwards, survived - before)
  }, 7_200_000)
})
