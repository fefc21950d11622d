import { account } from '@postern/shared/accounts.ts'
import { type Relay, type RelayPut, relayServer } from '@postern/shared/relay.ts'
import { domainKept } from '#mail/own-address.ts'
import { AppError } from '#platform/errors.ts'
import { commit } from '#store/commit.ts'
import type { Tx } from '#store/open-store.ts'
import { countRelayed, readRelay, removeRelay, storeRelay } from '#store/relay.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { allowServers, isSameServer, requireCheck, streamCheck } from '../judge-servers.ts'

/** The server by which accounts send that choose it: set by the owner, and seen by nobody else. */
export const registerRelay = (deps: FeatureDeps): void => {
  const { router, store, engine, masterKey, ca } = deps

  router.on('getRelayOffer', async ({ user }) => {
    const row = await store.read(user.userId, readRelay)
    return { relay: row && { domains: row.domains, carriesOthers: row.carriesOthers } }
  })

  router.on('getRelay', async ({ user }) => ({ relay: await store.read(user.userId, present) }))

  router.on('checkRelay', async ({ user, body: { outgoing, password = '' }, reply }) => {
    const policy = await allowServers(deps, user.userId, [outgoing])
    return streamCheck(deps, reply, (signal, onEvent) =>
      engine.checkSubmission({ outgoing, password, policy, ca, signal }, onEvent),
    )
  })

  router.on('putRelay', async ({ user: { userId }, body }) => {
    const { outgoing, password: typed, ...rules } = body
    const domains = keptDomains(rules)
    const policy = await allowServers(deps, userId, [outgoing])
    let maxMessageBytes: number | null | undefined
    const onLimit = (maxBytes: number | null): void => {
      maxMessageBytes = maxBytes
    }
    const isStored = await isStoredServer(userId, outgoing)
    // Where nobody signs in, the password of before is forgotten.
    const password = outgoing.username === '' ? '' : (typed ?? null)
    if (password === null) requireStored(isStored)
    else if (password !== '' || !isStored)
      await requireCheck((onEvent) => engine.checkSubmission({ outgoing, password, policy, ca, onLimit }, onEvent))
    await commit(store, { kind: 'user', userId }, async (unit) => {
      await storeRelay(unit, { ...rules, outgoing, password, domains, maxMessageBytes }, { masterKey, setBy: userId })
      await unit.tx.auditEvent.create({ data: { userId, kind: 'relay_set', detail: { host: outgoing.host } } })
    })
    engine.relayChanged()
    return { relay: await store.read(userId, present) }
  })

  router.on('removeRelay', async ({ user: { userId } }) => {
    await commit(store, { kind: 'user', userId }, async (unit) => {
      await removeRelay(unit)
      await unit.tx.auditEvent.create({ data: { userId, kind: 'relay_removed', detail: {} } })
    })
    engine.relayChanged()
  })

  const isStoredServer = async (userId: bigint, outgoing: RelayPut['outgoing']): Promise<boolean> => {
    const row = await store.read(userId, readRelay)
    return row !== null && isSameServer(outgoing, relayServer.parse(row.outgoing))
  }
}

/** Whoever takes over a browser session must not be able to have it sent to a server of theirs. */
const requireStored = (isStored: boolean): void => {
  if (isStored) return
  throw new AppError('account.password_needed', 'Enter the password of this server.', {
    hint: 'A stored password is never sent to a server it was not entered for.',
    fields: { password: 'is needed for this change' },
  })
}

const { problem } = account.shape

const present = async (tx: Tx): Promise<Relay | null> => {
  const row = await readRelay(tx)
  if (!row) return null
  const { domains, carriesOthers, recipientsPerMail, mailsPerHour } = row
  return {
    outgoing: relayServer.parse(row.outgoing),
    domains,
    carriesOthers,
    recipientsPerMail,
    mailsPerHour,
    problem: problem.parse(row.problem),
    ...(await countRelayed(tx)),
  }
}

const keptDomains = ({ domains, carriesOthers }: Pick<RelayPut, 'domains' | 'carriesOthers'>): string[] => {
  const kept = domains.map((typed) => {
    const domain = domainKept(typed.replace(/^@/, ''))
    if (domain === null)
      throw new AppError('request.invalid', `“${typed}” is no domain.`, {
        hint: 'Write what stands behind the @ of the addresses, such as example.org.',
        fields: { domains: `hold “${typed}”, which is no domain such as example.org` },
      })
    return domain
  })
  if (kept.length === 0 && !carriesOthers)
    throw new AppError('request.invalid', 'It would carry no mail at all.', {
      hint: 'Name a domain, or let it carry mail of others.',
      fields: { domains: 'are needed' },
    })
  return [...new Set(kept)]
}
