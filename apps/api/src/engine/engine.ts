import type { CheckEvent } from '@postern/shared/accounts.ts'
import type { RemovalPlan, ServerPolicy } from '@postern/shared/retrieval.ts'
import { AppError } from '#platform/errors.ts'
import { readBlobState, readPiece } from '#store/blobs.ts'
import type { MaildropSample } from '#store/bring-home.ts'
import {
  createRequest,
  type EngineRequestBody,
  type EngineRequestState,
  readRequest,
  replyNotice,
  treeNotice,
} from '#store/engine-requests.ts'
import { engineChannel, relayNotice, restartNotice } from '#store/notify.ts'
import type { Store } from '#store/open-store.ts'
import { readLedger } from '#store/pop-ledger.ts'
import { readTreeResult } from '#store/tree-changes.ts'
import { countRemoval } from '#sync/count-maildrop.ts'
import type { AccountCheck, OpenedSession, SubmissionCheck } from './check-account.ts'
import type { MailboxSwitch } from './plan-mailbox-switch.ts'
import type { SwitchPreparation } from './prepare-switch.ts'
import type { MaildropProof } from './prove-maildrop.ts'
import type { Returning } from './prove-return.ts'

export type { MaildropEntry } from '#protocol/pop3/list-maildrop.ts'
export type { MailboxProof } from './prove-mailbox.ts'
export type { ReturnCandidate } from './prove-return.ts'

/**
 * The engine as the API sees it: requests to an account's worker, wherever that runs. Nothing heavy is loaded here; the
 * protocol comes in only for the live test of the account wizard.
 */
export type Content = { sizeBytes: number | null; chunks: AsyncIterable<Uint8Array> }
export type Engine = {
  /** Both answer the id of what was asked for (store/engine-requests.ts, readSync). */
  requestSync: (accountId: bigint) => Promise<bigint>
  requestResync: (accountId: bigint) => Promise<bigint>
  /** All mailboxes of the account that one screen shows, in place of what it showed before. */
  focus: (accountId: bigint, screen: string, mailboxIds: bigint[]) => Promise<void>
  /** The account was edited, paused, resumed or removed. */
  accountChanged: (accountId: bigint) => void
  /** The owner's relay was set, changed or taken away. */
  relayChanged: () => void
  /** Resolves when the body is stored. Throws message.gone, message.unavailable. */
  openBody: (accountId: bigint, messageId: bigint) => Promise<void>
  openPart: (accountId: bigint, messageId: bigint, partId: bigint) => Promise<Content>
  openSource: (accountId: bigint, messageId: bigint) => Promise<Content>
  /** Streams what is stored already. */
  readBlob: (blobId: bigint, sizeBytes: number) => Content
  /** Resolves when a change of the tree has come to its end, or when that takes too long. */
  treeChanged: (commandId: string) => Promise<void>
  /** What a policy would remove of a POP3 account now; nobody is asked but the ledger. */
  planRemoval: (accountId: bigint, policy: ServerPolicy) => Promise<RemovalPlan>
  /** `returning`: which of them goes on there is found by the same login, as a server may want minutes until the next. */
  checkAccount: (check: EngineCheck, onEvent: (event: CheckEvent) => void) => Promise<boolean>
  checkSubmission: (check: SubmissionCheck, onEvent: (event: CheckEvent) => void) => Promise<boolean>
  /** What each mailbox of a POP3 account is at an IMAP server, after it was made there. Throws connect.*, tls.*, login.*. */
  prepareSwitch: (preparation: SwitchPreparation) => Promise<MailboxSwitch[]>
  /** What an IMAP account finds in its maildrop. Throws connect.*, tls.*, login.*, mailbox.*, request.conflict. */
  proveMaildrop: (proof: MaildropProof) => Promise<MaildropSample>
}
type EngineCheck = Omit<AccountCheck, 'onSession'> & { returning?: Returning }

const answerWithinMs = 30_000
/** A lost notice costs this long. */
const lookEveryMs = 300
/** Content of which nothing comes for so long comes from nobody any more: its engine ended in the middle. */
const stalledMs = 180_000

export const createEngine = (
  store: Store,
  { treeWithinMs = answerWithinMs }: { treeWithinMs?: number } = {},
): Engine => {
  const heard = new Map<string, Set<() => void>>()
  store.notifier.listen(
    engineChannel,
    (payload) => {
      for (const wake of heard.get(payload) ?? []) wake()
    },
    () => undefined,
  )

  /** Resolves with the next notice about a request, or after a look's time. */
  const nextNotice = (notice: string): Promise<void> =>
    new Promise((done) => {
      const set = heard.get(notice) ?? new Set()
      heard.set(notice, set)
      const wake = () => {
        clearTimeout(timer)
        set.delete(wake)
        if (set.size === 0) heard.delete(notice)
        done()
      }
      const timer = setTimeout(wake, lookEveryMs)
      set.add(wake)
    })

  const waitUntil = async (
    id: bigint,
    isEnough: (request: EngineRequestState) => boolean,
  ): Promise<EngineRequestState> => {
    const deadline = performance.now() + answerWithinMs
    for (;;) {
      const notice = nextNotice(replyNotice(id))
      const request = await readRequest(store, id)
      if (request.state === 'failed') throw failure(request)
      if (isEnough(request)) return request
      if (performance.now() > deadline) throw unanswered()
      await notice
    }
  }

  const ask = (accountId: bigint, body: EngineRequestBody): Promise<bigint> => createRequest(store, accountId, body)

  /** Asks for content. No server is asked for a paused account: where it has the content, to wait would be in vain. */
  const askFor = async (accountId: bigint, body: EngineRequestBody): Promise<bigint> => {
    const where = { id: accountId, isPaused: true, kind: 'imap' }
    if ((await store.readSystem((tx) => tx.account.count({ where }))) > 0)
      throw new AppError('message.unavailable', 'The account of this message is paused.', {
        hint: 'Resume it on the page of the account.',
      })
    return ask(accountId, body)
  }

  const openContent = async (accountId: bigint, body: EngineRequestBody): Promise<Content> => {
    const id = await askFor(accountId, body)
    const { result } = await waitUntil(id, ({ result: found }) => found.blobId !== undefined)
    const blobId = BigInt(result.blobId ?? 0)
    return {
      sizeBytes: null,
      chunks: followBlob(
        store,
        blobId,
        () => waitUntil(id, () => true),
        () => nextNotice(replyNotice(id)),
      ),
    }
  }

  return {
    requestSync: (accountId) => ask(accountId, { kind: 'sync' }),
    requestResync: (accountId) => ask(accountId, { kind: 'resync' }),
    focus: async (accountId, screen, mailboxIds) =>
      void (await ask(accountId, { kind: 'focus', screen, mailboxIds: mailboxIds.map(String) })),
    accountChanged: (accountId) => store.notifier.notify(engineChannel, restartNotice(accountId)),
    relayChanged: () => store.notifier.notify(engineChannel, relayNotice),
    openBody: async (accountId, messageId) => {
      await waitUntil(
        await askFor(accountId, { kind: 'body', messageId: messageId.toString() }),
        ({ state }) => state === 'done',
      )
    },
    openPart: (accountId, messageId, partId) =>
      openContent(accountId, { kind: 'part', messageId: messageId.toString(), partId: partId.toString() }),
    openSource: (accountId, messageId) => openContent(accountId, { kind: 'source', messageId: messageId.toString() }),
    readBlob: (blobId, sizeBytes) => ({
      sizeBytes,
      chunks: followBlob(
        store,
        blobId,
        async () => undefined,
        async () => undefined,
      ),
    }),
    treeChanged: async (commandId) => {
      const deadline = performance.now() + treeWithinMs
      while (performance.now() < deadline) {
        const notice = nextNotice(treeNotice(commandId))
        if ((await store.readSystem((tx) => readTreeResult(tx, commandId))) !== null) return
        await notice
      }
    },
    planRemoval: async (accountId, policy) =>
      countRemoval((await readLedger(store, accountId)).rows, { policy, now: new Date() }),
    checkAccount: async ({ returning, ...check }, onEvent) => {
      const { checkAccount } = await import('./check-account.ts')
      if (!returning) return checkAccount(check, onEvent)
      const { findReturned } = await import('./prove-return.ts')
      const { candidates, onFound } = returning
      const onSession = async (opened: OpenedSession) => onFound(await findReturned(store, candidates, opened))
      return checkAccount({ ...check, onSession }, onEvent)
    },
    checkSubmission: async (check, onEvent) => {
      const { checkSubmission } = await import('./check-account.ts')
      return checkSubmission(check, onEvent)
    },
    prepareSwitch: async (preparation) => {
      const { prepareSwitch } = await import('./prepare-switch.ts')
      return prepareSwitch(preparation)
    },
    proveMaildrop: async (proof) => {
      const { proveMaildrop } = await import('./prove-maildrop.ts')
      return proveMaildrop(store, proof)
    },
  }
}

const unanswered = () =>
  new AppError('message.unavailable', 'The mail server does not answer right now.', { hint: 'Try again in a moment.' })

const failure = ({ result }: EngineRequestState): AppError => {
  const { error } = result
  return new AppError(
    error?.code ?? 'message.unavailable',
    error?.message ?? 'The mail server cannot give this right now.',
    error?.hint ? { hint: error.hint } : {},
  )
}

/** Pieces as they are committed, until the blob is whole. Throws message.unavailable for one that will never be. */
async function* followBlob(
  store: Store,
  blobId: bigint,
  check: () => Promise<unknown>,
  pause: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let lastAt = performance.now()
  for (let n = 0; ; ) {
    const waiting = pause()
    const state = await store.readSystem((tx) => readBlobState(tx, blobId))
    const { bytes, rows } = await readPiece(store, blobId, n)
    if (rows > 0) {
      n += rows
      yield bytes
      lastAt = performance.now()
      continue
    }
    if (state?.isWhole) return
    // To end quietly would pass a part of it off as the whole.
    if (!state || performance.now() - lastAt > stalledMs) throw unanswered()
    await check()
    await waiting
  }
}
