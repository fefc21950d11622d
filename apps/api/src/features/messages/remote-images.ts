import { egressFetch } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { isSignedBy, signParts } from '#platform/signed-url.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { requireOwnMessage } from '../mail-content.ts'
import { safeHeaders, sniffImage } from '../part-headers.ts'

/**
 * Remote images come only through us: the sender sees this server's address at a time of our choosing, no cookies and no
 * referrer. Addresses are signed for one person and message, so that this is nobody's open proxy.
 */
const limits = {
  maxBytes: 10 * 1024 * 1024,
  timeoutMs: 10_000,
  maxRedirects: 5,
  accept: 'image/avif,image/webp,image/png,image/jpeg,image/gif',
  allowHttp: true,
}

export const registerRemoteImages = ({ router, store, signingKey, ca }: FeatureDeps): void => {
  router.on('createRemoteImageLinks', async ({ user, params, body }) => {
    const message = await requireOwnMessage(store, user.userId, params.messageId)
    const links = body.urls.flatMap((url): [string, string][] => {
      if (!/^https?:\/\/[^\s]+$/i.test(url) || !URL.canParse(url)) return []
      const signature = signParts(signingKey, [user.userId.toString(), message.id.toString(), url])
      return [[url, `/v1/remote-image?${new URLSearchParams({ message: message.id.toString(), url, signature })}`]]
    })
    return { links: Object.fromEntries(links) }
  })

  router.on('getRemoteImage', async ({ user, query, reply }) => {
    if (!isSignedBy(signingKey, [user.userId.toString(), query.message, query.url], query.signature))
      throw new AppError('remote_content.refused', 'This address was not made here.')
    const fetched = await egressFetch(query.url, {
      ...limits,
      policy: { allowPrivate: false, privateHosts: [] },
      ...(ca ? { ca } : {}),
    })
    const type = fetched.status === 200 ? sniffImage(fetched.body) : null
    if (type === null) throw new AppError('remote_content.unavailable', 'The address holds no image.')
    return reply.headers({ ...safeHeaders, 'content-type': type, 'content-disposition': 'inline' }).send(fetched.body)
  })
}
