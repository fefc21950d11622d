import type { DiscoveredServer } from '@postern/shared/accounts.ts'
import { XMLParser } from 'fast-xml-parser'

/**
 * Thunderbird's autoconfig format, from a stranger's server: no entities, bounded depth, only what we know. Plain-text
 * sockets are left out: they are never chosen silently.
 */
export type ParsedConfig = { providerName: string | null; incoming: DiscoveredServer[]; outgoing: DiscoveredServer[] }

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  processEntities: false,
  isArray: (name) => ['incomingServer', 'outgoingServer', 'emailProvider'].includes(name),
  parseTagValue: false,
})
const maxLength = 256 * 1024
const maxServers = 20
const hostName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/

type Node = Record<string, unknown>
const nodes = (value: unknown): Node[] =>
  (Array.isArray(value) ? value : value === undefined ? [] : [value]).filter(
    (item): item is Node => typeof item === 'object' && item !== null,
  )
const text = (value: unknown): string =>
  Array.isArray(value) ? text(value[0]) : typeof value === 'string' ? value.trim() : ''

export const fillIn = (template: string, address: string): string => {
  const [local = '', domain = ''] = address.split('@')
  return template
    .replaceAll('%EMAILADDRESS%', address)
    .replaceAll('%EMAILLOCALPART%', local)
    .replaceAll('%EMAILDOMAIN%', domain)
}

export const parseAutoconfig = (xml: string, address: string): ParsedConfig | null => {
  if (xml.length > maxLength || /<!(DOCTYPE|ENTITY)/i.test(xml)) return null
  let root: unknown
  try {
    root = parser.parse(xml)
  } catch {
    return null
  }
  const [provider] = nodes(nodes(nodes([root])[0]?.clientConfig)[0]?.emailProvider)
  if (!provider) return null
  const incoming = servers(provider.incomingServer, address).filter(({ kind }) => kind !== 'smtp')
  const outgoing = servers(provider.outgoingServer, address).filter(({ kind }) => kind === 'smtp')
  return incoming.length === 0
    ? null
    : { providerName: text(provider.displayName).slice(0, 100) || null, incoming, outgoing }
}

const servers = (value: unknown, address: string): DiscoveredServer[] =>
  nodes(value)
    .slice(0, maxServers)
    .flatMap((node): DiscoveredServer[] => {
      const kind = text(node['@type']).toLowerCase()
      const host = fillIn(text(node.hostname), address)
      const port = Number(text(node.port))
      const socket = text(node.socketType).toUpperCase()
      const username = fillIn(text(node.username), address).slice(0, 320) || address
      if (kind !== 'imap' && kind !== 'pop3' && kind !== 'smtp') return []
      if (!hostName.test(host) || !Number.isInteger(port) || port < 1 || port > 65_535) return []
      if (socket !== 'SSL' && socket !== 'TLS' && socket !== 'STARTTLS') return []
      return [{ kind, host, port, security: socket === 'STARTTLS' ? 'starttls' : 'tls', username }]
    })
