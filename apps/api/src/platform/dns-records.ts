import { resolveMx, resolveSrv, resolveTxt } from 'node:dns/promises'

/** The two kinds of DNS records discovery asks for; an answer that does not come counts as none. */
export type DnsRecords = {
  srv: (name: string) => Promise<{ name: string; port: number; priority: number; weight: number }[]>
  mx: (domain: string) => Promise<{ exchange: string; priority: number }[]>
}

/** The texts at a name, each in its pieces; throws what the resolver throws. */
export type TextRecords = (name: string) => Promise<string[][]>

export const systemTexts: TextRecords = (name) => resolveTxt(name)

export const systemDns: DnsRecords = {
  srv: (name) => resolveSrv(name).catch(() => []),
  mx: (domain) => resolveMx(domain).catch(() => []),
}
