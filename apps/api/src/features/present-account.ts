import {
  type Account,
  account,
  accountKind,
  accountProgress,
  accountState,
  serverSettings,
} from '@postern/shared/accounts.ts'
import { errorCodes } from '@postern/shared/error-codes.ts'
import { maildrop, retrieval } from '@postern/shared/retrieval.ts'
import { z } from 'zod'
import type { ShownAccount } from '#store/read-change-rows.ts'

const { switching } = account.shape
const problem = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  hint: z.string().nullable(),
  serverText: z.string().nullable(),
  since: z.string(),
})
const capabilities = z.object({
  move: z.boolean().default(true),
  idle: z.boolean().default(true),
  condstore: z.boolean().default(true),
  keywords: z.boolean().default(true),
})

export const presentAccount = (row: ShownAccount): Account => ({
  id: row.id.toString(),
  kind: accountKind.parse(row.kind),
  address: row.address,
  name: row.name,
  color: row.color,
  position: row.position,
  incoming: serverSettings.parse(row.incoming),
  outgoing: row.outgoing === null ? null : serverSettings.parse(row.outgoing),
  usesRelay: row.usesRelay,
  state: row.isPaused ? 'paused' : accountState.parse(row.state),
  problem: row.problem === null ? null : problem.parse(row.problem),
  retryAt: row.retryAt?.toISOString() ?? null,
  lastSyncedAt: row.lastSyncedAt?.toISOString() ?? null,
  progress: row.progress === null ? null : accountProgress.parse(row.progress),
  capabilities: capabilities.parse(row.capabilities),
  retrieval: row.kind === 'pop3' ? retrieval.parse(row.retrieval ?? {}) : null,
  maildrop: row.kind === 'pop3' && row.maildrop !== null ? maildrop.parse(row.maildrop) : null,
  switching: row.switching === null ? null : switching.parse(row.switching),
  nextLookAt: row.isPaused ? null : (row.nextPollAt?.toISOString() ?? null),
  storedBytes: Number(row.storedBytes),
  dailyByteBudget: row.dailyByteBudget === null ? null : Number(row.dailyByteBudget),
  isPrivateHost: row.isPrivateHost,
})
