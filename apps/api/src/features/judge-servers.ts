import { PassThrough } from 'node:stream'
import type { CheckEvent, ServerSettings } from '@postern/shared/accounts.ts'
import type { FastifyReply } from 'fastify'
import type { EgressPolicy } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { egressPolicyFor, readOwnerPolicy } from '#store/owner-policy.ts'
import type { FeatureDeps } from './feature-deps.ts'

/** Mail servers that somebody typed: whether they may be spoken to, and whether they let in whoever typed them. */

/** Plain text only to hosts the owner lists; private addresses by the person's policy. Throws account.plaintext_denied. */
export const allowServers = async (
  { store }: Pick<FeatureDeps, 'store'>,
  userId: bigint,
  servers: (ServerSettings | null)[],
): Promise<EgressPolicy> => {
  const policy = await store.read(userId, readOwnerPolicy)
  const plain = servers.find(
    (server) =>
      server?.security === 'plain' && !policy.plaintextHosts.includes(`${server.host.toLowerCase()}:${server.port}`),
  )
  const egress = await store.read(userId, (tx) => egressPolicyFor(tx, userId))
  if (plain) {
    const what = plain.username === '' ? 'Mail' : 'A password'
    const where = `list ${plain.host}:${plain.port} in the settings, under “Allowed hosts”, as one without encryption.`
    throw new AppError('account.plaintext_denied', `${what} would travel to ${plain.host} unprotected.`, {
      // Whoever may reach private addresses is the owner.
      hint: `Use TLS or STARTTLS. If this really must be, ${egress.allowPrivate ? '' : 'the owner can '}${where}`,
      fields: { 'incoming.security': 'is not allowed for this host' },
    })
  }
  return egress
}

export const isSameServer = (a: ServerSettings, b: ServerSettings | null): boolean =>
  b !== null &&
  a.host === b.host &&
  a.port === b.port &&
  a.security === b.security &&
  a.username === b.username &&
  a.pinnedFingerprint === b.pinnedFingerprint

type Check = (onEvent: (event: CheckEvent) => void) => Promise<boolean>

/** Throws the failure of the step that went wrong. */
export const requireCheck = async (check: Check): Promise<void> => {
  const failures: Extract<CheckEvent, { kind: 'failed' }>[] = []
  const isRight = await check((event) => {
    if (event.kind === 'failed') failures.push(event)
  })
  const [failure] = failures
  if (!isRight && failure)
    throw new AppError(failure.code, failure.message, {
      ...(failure.hint ? { hint: failure.hint } : {}),
      ...(failure.serverText ? { serverText: failure.serverText } : {}),
    })
}

/** Each step as a line, as it happens. Whoever leaves ends it, at the server too. */
export const streamCheck = (
  { logger }: Pick<FeatureDeps, 'logger'>,
  reply: FastifyReply,
  check: (signal: AbortSignal, onEvent: (event: CheckEvent) => void) => Promise<boolean>,
): FastifyReply => {
  const lines = new PassThrough()
  reply.header('content-type', 'application/x-ndjson; charset=utf-8').header('x-accel-buffering', 'no')
  const left = new AbortController()
  reply.raw.once('close', () => left.abort())
  check(left.signal, (event) => lines.write(`${JSON.stringify(event)}\n`))
    .catch((error: unknown) => logger.warn({ err: error }, 'a check of a mail server broke off'))
    .finally(() => lines.end())
  return reply.send(lines)
}
