import { AppError } from '#platform/errors.ts'

/** What a request claims about where it comes from. Pure, so that the same rules hold for REST and for sockets. */
export type Claim = { host: string; origin: string | undefined; fetchSite: string | undefined; protocol: string }

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/** A Host that is neither PUBLIC_URL's nor a loopback name is another site's trick (DNS rebinding). Throws request.host_refused. */
export const requireKnownHost = (host: string, publicUrl: URL | null): void => {
  if (loopback.test(host) || (publicUrl !== null && host.toLowerCase() === publicUrl.host.toLowerCase())) return
  throw new AppError('request.host_refused', 'This Postern is not known by that name.', {
    hint: 'Set PUBLIC_URL to the address people use.',
  })
}

/** Unsafe requests come from our own pages only. Throws request.origin_refused. */
export const requireOwnOrigin = (claim: Claim, publicUrl: URL | null): void => {
  if (claim.fetchSite !== undefined && claim.fetchSite !== 'same-origin' && claim.fetchSite !== 'none') throw refused()
  if (claim.origin === undefined) return
  const own = [`${claim.protocol}://${claim.host}`, ...(publicUrl ? [publicUrl.origin] : [])]
  if (!own.includes(claim.origin)) throw refused()
}

const refused = (): AppError => new AppError('request.origin_refused', 'This request comes from another site.')
