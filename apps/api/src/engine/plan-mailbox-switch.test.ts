import { describe, expect, it } from 'vitest'
import type { PathStyle } from '#outbox/role-mailbox.ts'
import { planMailboxSwitch } from './plan-mailbox-switch.ts'

const usual: PathStyle = { delimiter: '/', prefix: '' }
const here = (paths: string[]) =>
  paths.map((path, n) => ({
    id: BigInt(n + 1),
    path,
    name: path,
    role: ({ INBOX: 'inbox', Sent: 'sent', Junk: 'junk', Archive: 'archive' } as Record<string, string>)[path] ?? null,
    chosenRole: null,
  }))
const there = (paths: [string, string?][], delimiter = '/') =>
  paths.map(([path, attribute]) => ({
    path,
    name: path.split(delimiter).at(-1) ?? path,
    delimiter,
    namespace: '',
    attributes: attribute ? [attribute] : [],
    isSelectable: attribute !== '\\Noselect',
    isSubscribed: true,
  }))
const paths = (plan: ReturnType<typeof planMailboxSwitch>) =>
  plan.map(({ to, isMissing }) => `${to.path}${isMissing ? ' (made)' : ''}`)

describe('mailboxes kept here become those of a server', () => {
  it('by role where their names differ, by path where nothing has a role', () => {
    const plan = planMailboxSwitch(
      here(['INBOX', 'Sent', 'Junk', 'Travel/Rome']),
      there([['INBOX'], ['Sent Items', '\\Sent'], ['Spam', '\\Junk'], ['Travel', '\\Noselect'], ['Travel/Rome']]),
      usual,
    )
    expect(paths(plan)).toEqual(['INBOX', 'Sent Items', 'Spam', 'Travel/Rome'])
    expect(plan.map(({ to }) => to.role)).toEqual(['inbox', 'sent', 'junk', null])
  })

  it('what the server lacks is made under its own spelling of paths', () => {
    const style = { delimiter: '.', prefix: 'INBOX.' }
    const plan = planMailboxSwitch(
      here(['INBOX', 'Archive', 'Notes/v1.2']),
      there([['INBOX'], ['INBOX.Sent']], '.'),
      style,
    )
    expect(paths(plan)).toEqual(['INBOX', 'INBOX.Archive (made)', 'INBOX.Notes.v1-2 (made)'])
    expect(plan[1]?.to.role).toBe('archive')
  })

  it('two mailboxes here never become one there', () => {
    const plan = planMailboxSwitch(here(['INBOX', 'Junk', 'Spam']), there([['INBOX'], ['Spam', '\\Junk']]), usual)
    expect(paths(plan)).toEqual(['INBOX', 'Spam', 'Spam 2 (made)'])
  })

  it('one that only holds others there is made anew, so that mail can lie in it', () => {
    const plan = planMailboxSwitch(here(['INBOX', 'Travel']), there([['INBOX'], ['Travel', '\\Noselect']]), usual)
    expect(paths(plan)).toEqual(['INBOX', 'Travel (made)'])
  })
})
