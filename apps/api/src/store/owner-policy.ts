import { ownerPolicy } from '@postern/shared/sessions.ts'
import type { z } from 'zod'
import type { EgressPolicy } from '#platform/egress.ts'
import type { Tx } from './open-store.ts'

export type OwnerPolicy = z.infer<typeof ownerPolicy>
const key = 'owner.policy'
const noHosts: OwnerPolicy = { plaintextHosts: [], privateHosts: [] }

/** The owner's lists of hosts that may be reached without TLS or although their address is private. */
export const readOwnerPolicy = async (tx: Tx): Promise<OwnerPolicy> => {
  const row = await tx.installationSetting.findUnique({ where: { key } })
  return row ? ownerPolicy.parse(row.value) : noHosts
}

export const writeOwnerPolicy = async (tx: Tx, policy: OwnerPolicy): Promise<void> => {
  await tx.installationSetting.upsert({ where: { key }, create: { key, value: policy }, update: { value: policy } })
}

/** Where this person's accounts may connect to: the owner reaches private addresses, others what the owner lists. */
export const egressPolicyFor = async (tx: Tx, userId: bigint): Promise<EgressPolicy> => {
  const [found] = await tx.$queryRaw<{ role: string; value: unknown }[]>`
    SELECT u.role, s.value FROM app_user u LEFT JOIN installation_setting s ON s.key = ${key} WHERE u.id = ${userId}`
  const { privateHosts } = found?.value ? ownerPolicy.parse(found.value) : noHosts
  return { allowPrivate: found?.role === 'owner', privateHosts: privateHosts.map((entry) => entry.toLowerCase()) }
}
