import { expect, it } from 'vitest'
import { unnamedDomains } from './relay-domains.ts'

it('names each domain once for which the relay was not said to speak, and no subdomain passes for its parent', () => {
  const addresses = ['a@Example.org', 'b@mail.example.org', 'c@mail.example.org', '"x@example.org"@else.example', '']
  expect(unnamedDomains(addresses, ['example.org'])).toEqual(['mail.example.org', 'else.example'])
})
