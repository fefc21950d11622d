import { checkEvent } from './accounts.ts'
import * as relay from './relay.ts'
import type { RestOperation } from './rest.ts'

/** Part of the table in rest.ts: the server by which accounts send that have none of their own. */
export const relayOperations = {
  getRelayOffer: {
    method: 'GET',
    path: '/v1/relay',
    access: 'user',
    summary: 'Whether there is a relay, and for which domains',
    response: relay.offeredRelay,
  },
  getRelay: {
    method: 'GET',
    path: '/v1/owner/relay',
    access: 'owner',
    summary: 'The relay as it is set',
    response: relay.ownerRelay,
  },
  checkRelay: {
    method: 'POST',
    path: '/v1/owner/relay-checks',
    access: 'owner',
    summary: 'Try a relay step by step; one CheckEvent a line',
    body: relay.relayCheck,
    answer: 'lines',
    response: checkEvent,
  },
  putRelay: {
    method: 'PUT',
    path: '/v1/owner/relay',
    access: 'owner',
    summary: 'Set the relay, or change it; the login is tried first',
    body: relay.relayPut,
    response: relay.ownerRelay,
  },
  removeRelay: {
    method: 'DELETE',
    path: '/v1/owner/relay',
    access: 'owner',
    summary: 'Take the relay away',
    answer: 'empty',
  },
} as const satisfies Record<string, RestOperation>
