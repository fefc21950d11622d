import { systemDns } from '#platform/dns-records.ts'
import { egressFetch } from '#platform/egress.ts'
import { egressPolicyFor } from '#store/owner-policy.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { discoverSettings } from './discover-settings.ts'

export const registerDiscovery = ({ router, store, ca }: FeatureDeps): void => {
  router.on('discover', async ({ user, body }) => {
    const policy = await store.read(user.userId, (tx) => egressPolicyFor(tx, user.userId))
    return discoverSettings(body.address, {
      dns: systemDns,
      fetch: async (url, signal) => {
        const answer = await egressFetch(url, {
          policy: { ...policy, allowPrivate: false },
          maxBytes: 256 * 1024,
          timeoutMs: 4000,
          maxRedirects: 3,
          accept: 'application/xml, text/xml',
          allowHttp: false,
          signal,
          ...(ca ? { ca } : {}),
        })
        return answer.status === 200 ? answer.body.toString('utf8') : null
      },
    })
  })
}
