import { describe, expect, it } from 'vitest'
import { UidsByIdentity } from './locate-messages.ts'

describe('finding messages again', () => {
  it('hands out each copy once, the newest first, and the same one again when asked again', () => {
    const uids = new UidsByIdentity()
    for (const uid of [3, 5, 5, 9]) uids.add('a', uid)
    uids.add('b', 4)
    const item = (placementId: bigint, identityKey: string) => ({ placementId, identityKey })
    expect(uids.assign([item(1n, 'a'), item(2n, 'a'), item(3n, 'b'), item(4n, 'c')])).toEqual(
      new Map([
        [1n, 9],
        [2n, 5],
        [3n, 4],
      ]),
    )
    expect(uids.assign([item(1n, 'a'), item(5n, 'a'), item(6n, 'a')])).toEqual(
      new Map([
        [1n, 9],
        [5n, 3],
      ]),
    )
  })
})
