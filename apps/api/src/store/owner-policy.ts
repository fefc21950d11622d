import { ownerPolicy } from '@postern/shared/sessions.ts'
import type { z } from 'zod'
import type { EgressPolicy } from '#platform/egress.ts'
import type { Tx } from './open-store.ts'

export type OwnerPolicy = z.infer<typeof ownerPolicy>
const key = 'owner.policy'

/** The owner's lists of hosts that may be reached without TLS or although their address is private. */
export const readOwnerPolicy = async (tx: Tx): Promise<OwnerPolicy> => {
  const row = await tx.installationSetting.findUnique({ where: { key } })
  return row ? ownerPolicy.parse(row.value) : { plaintextHosts: [], privateHosts: [] }
}

export const writeOwnerPolicy = async (tx: Tx, policy: OwnerPolicy): Promise<void> => {
  await tx.installationSetting.upsert({ where: { key }, create: { key, value: policy }, update: { value: policy } })
}

/** Where this person's accounts may connect to: the owner reaches private addresses, others what the owner lists. */
export const egressPolicyFor = async (tx: Tx, userId: bigint): Promise<EgressPolicy> => {
  const user = await tx.appUser.findUnique({ where: { id: userId }, select: { role: true } })
  const { privateHosts } = await readOwnerPolicy(tx)
  return { allowPrivate: user?.role === 'owner', privateHosts: privateHosts.map((entry) => entry.toLowerCase()) }
}
