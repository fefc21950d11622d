import { describe, expect, it } from 'vitest'
import { planMailboxesHere, type ServerMailbox } from './plan-mailboxes-here.ts'

const there = (list: [path: string, facts?: Partial<ServerMailbox>][], delimiter = '/'): ServerMailbox[] =>
  list.map(([path, facts], n) => ({
    id: BigInt(n + 1),
    path,
    name: path.split(delimiter).at(-1) ?? path,
    delimiter,
    role: path === 'INBOX' ? 'inbox' : null,
    chosenRole: null,
    isSelectable: true,
    isSynced: true,
    rights: null,
    ...facts,
  }))
const told = ({ kept, made, leftOut, views }: ReturnType<typeof planMailboxesHere>) => ({
  kept: kept.map(({ id, to }) => `${id} ${to.path}${to.role ? ` (${to.role})` : ''}`),
  made: made.map(({ path }) => path),
  leftOut: leftOut.map(String),
  views: views.map(String),
})

describe('mailboxes of a server become mailboxes kept here', () => {
  it('under their own paths, and with what roles are missing', () => {
    const plan = planMailboxesHere(
      there([
        ['INBOX'],
        ['Sent Items', { role: 'sent' }],
        ['Old', { chosenRole: 'archive' }],
        ['Travel/Rome'],
        ['Trash', { role: 'trash', chosenRole: 'none' }],
      ]),
    )
    expect(told(plan)).toEqual({
      kept: ['1 INBOX (inbox)', '2 Sent Items (sent)', '3 Old (archive)', '4 Travel/Rome', '5 Trash'],
      made: ['Drafts', 'Junk', 'Trash 2'],
      leftOut: [],
      views: [],
    })
  })

  it('with our delimiter, whatever a level holds, and never two of one name', () => {
    const plan = planMailboxesHere(
      there([['a.b/c'], ['a.b-c'], ['INBOX'], ['INBOX.Sent', { role: 'sent' }], ['inbox/x']], '.'),
    )
    expect(told(plan).kept).toEqual(['3 INBOX (inbox)', '1 a/b-c', '2 a/b-c 2', '4 INBOX/Sent (sent)', '5 inbox-x'])
    expect(told(planMailboxesHere(there([['INBOX'], ['x/y', { delimiter: null }]]))).kept).toContain('2 x-y')
  })

  it('leaves out what is not here, and keeps a level that something lies below', () => {
    const plan = planMailboxesHere(
      there([
        ['INBOX'],
        ['Lists', { isSelectable: false }],
        ['Lists/one'],
        ['Empty', { isSelectable: false }],
        ['Huge', { isSynced: false }],
        ['Huge/part', { isSynced: false }],
        ['Shut', { rights: 'lp' }],
      ]),
    )
    expect(told(plan)).toMatchObject({
      kept: ['1 INBOX (inbox)', '2 Lists', '3 Lists/one'],
      leftOut: ['4', '5', '6', '7'],
    })
  })

  it('makes an archive of what shows everything, unless there is one', () => {
    const gmail: [string, Partial<ServerMailbox>?][] = [
      ['INBOX'],
      ['[Gmail]/All Mail', { role: 'all' }],
      ['[Gmail]/Starred', { role: 'flagged' }],
    ]
    const plan = told(planMailboxesHere(there(gmail)))
    expect(plan.kept).toEqual(['1 INBOX (inbox)', '2 [Gmail]/All Mail (archive)', '3 [Gmail]/Starred'])
    expect(plan).toMatchObject({ views: ['3', '2'], made: ['Drafts', 'Sent', 'Junk', 'Trash'] })
    const both = told(planMailboxesHere(there([...gmail, ['Archive', { role: 'archive' }]])))
    expect(both.kept).toContain('2 [Gmail]/All Mail')
  })
})
