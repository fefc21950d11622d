import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeNextMails } from '#outbox/store-mails-here.ts'
import { systemClock } from '#platform/clock.ts'
import { newSha256 } from '#platform/sha256.ts'
import { commit } from '#store/commit.ts'
import { beginItems, nextTransferItems } from '#store/transfer-work.ts'
import { addItems, cancelTransfer, createTransfer } from '#store/transfers.ts'
import { type OutboxRows, startOutboxRows } from './outbox-fixture.ts'

describe('an import that is cancelled while its mails are being stored', () => {
  let fixture: OutboxRows
  beforeAll(async () => {
    fixture = await startOutboxRows()
  })
  afterAll(() => fixture.stop())

  const begin = async () => {
    const { store, userId, makeAccount } = fixture
    const { accountId, inbox } = await makeAccount(0)
    const wanted = {
      userId,
      accountId,
      mailboxId: inbox,
      kind: 'import',
      fromMailboxId: null,
      expectedBytes: null,
    } as const
    const { id } = await commit(store, { kind: 'user', userId }, ({ tx }) => createTransfer(tx, wanted))
    const scope = { kind: 'user' as const, userId, accountId }
    const head = Buffer.from('Subject: late\r\n\r\nHello\r\n')
    const content = {
      sha256: Buffer.from(newSha256().update(head).digest()),
      sizeBytes: head.length,
      head,
      blobId: null,
    }
    const item = { kind: 'mail' as const, name: 'late', bits: 0, keywords: [], cameAt: null, fileAt: null, content }
    await addItems(store, scope, { transferId: id, items: [item], bytes: head.length })
    return { accountId, scope, cancel: () => commit(store, scope, (unit) => cancelTransfer(unit, id)) }
  }

  it('leaves no mail without its octets', async () => {
    const { store } = fixture
    const { accountId, scope, cancel } = await begin()
    let reads = 0
    // After the mails were looked up, and before they are stored.
    const racing = {
      ...store,
      readSystem: async <T>(work: Parameters<typeof store.readSystem<T>>[0]) => {
        const answer = await store.readSystem(work)
        if (++reads === 2) await cancel()
        return answer
      },
    }
    expect(await storeNextMails({ store: racing, scope, accountId, clock: systemClock })).toBe(true)
    expect(await store.prisma.message.count({ where: { accountId } })).toBe(0)
    expect(await storeNextMails({ store, scope, accountId, clock: systemClock })).toBe(false)
  })

  it('sends none of them to a server', async () => {
    const { store } = fixture
    const { accountId, scope, cancel } = await begin()
    const ids = (await store.readSystem((tx) => nextTransferItems(tx, accountId, 10))).map(({ id }) => id)
    const start = () => commit(store, scope, (unit) => beginItems(unit, ids, { fromUid: 1n, uidValidity: 7n }))
    expect(ids).toHaveLength(1)
    await cancel()
    expect(await start()).toEqual(new Set())
  })
})
