import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { describe, expect, it } from 'vitest'
import { countOf, orderTree, unreadIn } from './tree-order.ts'

const rights = { setSeen: true, setFlags: true, keywords: true, insert: true, remove: true, create: true, rename: true }
const mailbox = (path: string, given: Partial<Mailbox> = {}): Mailbox => ({
  id: path,
  accountId: '1',
  path,
  name: path.split('/').at(-1) ?? path,
  parentId: path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : null,
  role: null,
  roleIsChosen: false,
  isSelectable: true,
  isSynced: true,
  isWatched: false,
  rights,
  messages: 9,
  unreadMessages: 2,
  conversations: 5,
  unreadConversations: 1,
  sync: { state: 'complete', envelopesStored: 9, envelopesTotal: 9 },
  ...given,
})
const tree = [
  mailbox('Zoo'),
  mailbox('INBOX', { role: 'inbox' }),
  mailbox('Work/2/Old'),
  mailbox('Work/10'),
  mailbox('Work'),
  mailbox('Drafts', { role: 'drafts' }),
  mailbox('Work/2'),
  mailbox('Junk', { role: 'junk' }),
]
const paths = (rows: ReturnType<typeof orderTree>) => rows.map(({ mailbox: { path } }) => path)

describe('the tree of mailboxes', () => {
  it('has the special ones on top, then the rest by name under their parents', () => {
    expect(paths(orderTree(tree, {}, null))).toEqual([
      'INBOX',
      'Drafts',
      'Junk',
      'Work',
      'Work/2',
      'Work/2/Old',
      'Work/10',
      'Zoo',
    ])
  })
  it('counts for everything below what is folded, and keeps the way to the current one open', () => {
    const folded = orderTree(tree, { Work: false }, null)
    expect(paths(folded)).not.toContain('Work/2')
    expect(folded.find((row) => row.mailbox.path === 'Work')?.unread).toBe(4)
    expect(paths(orderTree(tree, { Work: false, 'Work/2': false }, 'Work/2/Old'))).toContain('Work/2/Old')
  })
  it('shows all drafts, no spam, else unread conversations', () => {
    const counts = orderTree(tree, {}, null).map((row) => [row.mailbox.path, countOf(row)])
    expect(Object.fromEntries(counts)).toMatchObject({ INBOX: 1, Drafts: 5, Junk: 0, Zoo: 1 })
  })
  it('folded away counts its unread conversations, each once, and neither drafts nor spam', () => {
    const all = mailbox('Everything', { role: 'all' })
    expect(unreadIn(orderTree([...tree, all], {}, null))).toBe(6)
    expect(unreadIn(orderTree([...tree, all], { Work: false }, null))).toBe(6)
  })
  it('folds large trees at first', () => {
    const many = Array.from({ length: 100 }, (_, n) => mailbox(`Lists/${n}`))
    expect(paths(orderTree([...many, mailbox('Lists')], {}, null))).toEqual(['Lists'])
  })

  it('keeps what lies below Trash there, folded and without a count', () => {
    const trashed = [
      ...tree,
      mailbox('Trash', { role: 'trash' }),
      mailbox('Trash/Old', { unreadConversations: 3 }),
      mailbox('Trash/Old/Older'),
      mailbox('INBOX/Own'),
    ]
    const folded = orderTree(trashed, {}, null)
    expect(paths(folded).slice(0, 6)).toEqual(['INBOX', 'Drafts', 'Junk', 'Trash', 'INBOX/Own', 'Work'])
    expect(folded[3]).toMatchObject({ hasChildren: true, isOpen: false, isTrashed: false })
    const open = orderTree(trashed, { Trash: true }, null)
    expect(paths(open).slice(3, 7)).toEqual(['Trash', 'Trash/Old', 'Trash/Old/Older', 'INBOX/Own'])
    expect(open.slice(3, 7).map((row) => [row.depth, row.isTrashed, countOf(row)])).toEqual([
      [0, false, 0],
      [1, true, 0],
      [2, true, 0],
      [0, false, 1],
    ])
    expect(paths(orderTree(trashed, {}, 'Trash/Old/Older'))).toContain('Trash/Old/Older')
  })

  it('keeps what lies below Archive there, and tells two of one name apart where one lies below the inbox', () => {
    const friends = [
      mailbox('INBOX', { role: 'inbox' }),
      mailbox('INBOX/Friends'),
      mailbox('INBOX/Own'),
      mailbox('Archive', { role: 'archive' }),
      mailbox('Archive/Friends'),
      mailbox('friends'),
    ]
    const rows = orderTree(friends, {}, null)
    expect(rows.map(({ mailbox: { path }, depth, above }) => [path, depth, above?.path ?? null])).toEqual([
      ['INBOX', 0, null],
      ['Archive', 0, null],
      ['Archive/Friends', 1, null],
      ['friends', 0, null],
      ['INBOX/Friends', 0, 'INBOX'],
      ['INBOX/Own', 0, null],
    ])
    expect(orderTree(friends, { Archive: false }, null)[1]).toMatchObject({ isOpen: false, unread: 2 })
  })
})
