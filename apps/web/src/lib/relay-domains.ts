const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

/** Domains of these addresses for which a relay was not said to speak, each once. */
export const unnamedDomains = (addresses: string[], named: string[]): string[] => [
  ...new Set(addresses.map(domainOf).filter((domain) => domain !== '' && !named.includes(domain))),
]
