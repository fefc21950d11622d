import { lookup } from 'node:dns/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { type AddressClass, classifyAddress } from './address-class.ts'
import { AppError } from './errors.ts'
import { trusting } from './trust.ts'

/**
 * The one way out. A name is resolved once, every address is judged, and the connection goes to the judged address
 * itself: a name that answers differently the second time changes nothing.
 */
export type EgressPolicy = {
  /** True for the owner: private and loopback addresses may be reached, and the screen says so. */
  allowPrivate: boolean
  /** `host:port` entries that may be reached although their address is private. */
  privateHosts: string[]
}
export type CheckedAddress = { address: string; family: 4 | 6; kind: AddressClass }
export type Resolve = (host: string) => Promise<{ address: string; family: number }[]>

const systemResolve: Resolve = (host) => lookup(host, { all: true, verbatim: true })

/** Addresses that may be connected to, best first. Throws connect.dns, account.address_denied. */
export const resolveChecked = async (
  host: string,
  port: number,
  policy: EgressPolicy,
  resolve: Resolve = systemResolve,
): Promise<CheckedAddress[]> => {
  const bare = host.replace(/^\[|\]$/g, '')
  const found = isIP(bare)
    ? [{ address: bare, family: isIP(bare) }]
    : await resolve(bare).catch((cause: unknown) => {
        throw new AppError('connect.dns', `No server is known by the name ${bare}.`, {
          hint: 'Check the spelling of the server name.',
          cause,
        })
      })
  const judged = found.map(
    ({ address, family }): CheckedAddress => ({
      address,
      family: family === 6 ? 6 : 4,
      kind: classifyAddress(address),
    }),
  )
  const isListed = policy.allowPrivate || policy.privateHosts.includes(`${bare.toLowerCase()}:${port}`)
  const allowed = judged.filter(
    ({ kind }) => kind === 'public' || (isListed && kind !== 'reserved' && kind !== 'link-local'),
  )
  if (judged.length === 0)
    throw new AppError('connect.dns', `The name ${bare} has no address.`, {
      hint: 'Check the spelling of the server name.',
    })
  if (allowed.length === 0)
    throw new AppError(
      'account.address_denied',
      `${bare} is at a private or reserved address, which may not be reached from here.`,
      {
        hint: 'The owner of this Postern can list the host and port in the settings, under “Allowed hosts”.',
      },
    )
  return allowed
}

export type FetchLimits = {
  policy: EgressPolicy
  maxBytes: number
  timeoutMs: number
  maxRedirects: number
  accept: string
  allowHttp: boolean
  /** Sent instead of asking; of the answer only the status counts then. */
  post?: { type: string; body: string }
  ca?: string
  resolve?: Resolve
  signal?: AbortSignal
}
export type Fetched = { status: number; contentType: string; body: Buffer }

/**
 * GET, or POST, without cookies or referrer. Each redirect is judged anew. Throws connect.dns, account.address_denied,
 * remote_content.refused (form, scheme, size, redirects), remote_content.unavailable.
 */
export const egressFetch = async (address: string, limits: FetchLimits): Promise<Fetched> => {
  let url = parseAddress(address)
  for (let hop = 0; ; hop++) {
    const answer = await fetchOnce(url, limits)
    if (answer.kind === 'done') return answer.fetched
    if (hop >= limits.maxRedirects)
      throw new AppError('remote_content.refused', 'The address leads on and on to other addresses.')
    url = parseAddress(answer.location, url)
  }
}

const parseAddress = (address: string, base?: URL): URL => {
  const url = URL.parse(address, base)
  if (!url) throw new AppError('remote_content.refused', 'This is not a web address.')
  return url
}

type Answer = { kind: 'done'; fetched: Fetched } | { kind: 'redirect'; location: string }

const fetchOnce = async (url: URL, limits: FetchLimits): Promise<Answer> => {
  const isTls = url.protocol === 'https:'
  if (!isTls && !(limits.allowHttp && url.protocol === 'http:'))
    throw new AppError('remote_content.refused', 'Only web addresses can be fetched.')
  if (url.username !== '' || url.password !== '')
    throw new AppError('remote_content.refused', 'The address holds a password.')
  const port = Number(url.port || (isTls ? 443 : 80))
  const [target] = await resolveChecked(url.hostname, port, limits.policy, limits.resolve)
  if (!target) throw new AppError('connect.dns', 'The name has no address.')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return await new Promise<Answer>((done, fail) => {
    const give = (cause: unknown) =>
      fail(
        cause instanceof AppError
          ? cause
          : new AppError('remote_content.unavailable', 'The other server did not answer properly.', { cause }),
      )
    const options = {
      host: target.address,
      family: target.family,
      port,
      method: limits.post ? 'POST' : 'GET',
      path: `${url.pathname}${url.search}`,
      agent: false as const,
      signal: AbortSignal.any([AbortSignal.timeout(limits.timeoutMs), ...(limits.signal ? [limits.signal] : [])]),
      headers: {
        host: url.host,
        accept: limits.accept,
        'accept-encoding': 'identity',
        'user-agent': 'Postern',
        ...(limits.post
          ? { 'content-type': limits.post.type, 'content-length': Buffer.byteLength(limits.post.body) }
          : {}),
      },
    }
    const request = isTls
      ? httpsRequest({
          ...options,
          ...(isIP(host) ? {} : { servername: host }),
          ...trusting(limits.ca),
        })
      : httpRequest(options)
    request.on('error', give)
    request.on('response', (response) => {
      const status = response.statusCode ?? 0
      const location = response.headers.location
      if (status >= 300 && status < 400 && location) {
        response.destroy()
        return done({ kind: 'redirect', location })
      }
      if (limits.post) {
        response.destroy()
        const contentType = response.headers['content-type'] ?? ''
        return done({ kind: 'done', fetched: { status, contentType, body: Buffer.alloc(0) } })
      }
      const chunks: Buffer[] = []
      let size = 0
      response.on('error', give)
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > limits.maxBytes) {
          response.destroy()
          give(new AppError('remote_content.refused', 'What the address holds is too large.'))
        } else chunks.push(chunk)
      })
      response.on('end', () =>
        done({
          kind: 'done',
          fetched: { status, contentType: response.headers['content-type'] ?? '', body: Buffer.concat(chunks) },
        }),
      )
    })
    request.end(limits.post?.body)
  })
}
