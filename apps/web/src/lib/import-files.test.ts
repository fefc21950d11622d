import { expect, it } from 'vitest'
import { chooseFiles } from './import-files.ts'

const chosen = (...paths: string[]) => chooseFiles(paths.map((path) => ({ path }))).map(({ path }) => path)

it('of a Maildir only whole mails of its own are taken', () => {
  const mails = ['Maildir/cur/1.host:2,S', 'Maildir/new/2.host']
  const others = ['Maildir/tmp/3.host', 'Maildir/dovecot-uidlist', 'Maildir/.Sent/cur/4.host:2,', 'Maildir/cur/.nfs01']
  expect(chosen(...others, ...mails)).toEqual(mails)
  expect(chosen('cur/1.host:2,S', 'cur/.hidden')).toEqual(['cur/1.host:2,S'])
})

it('of other files and folders everything is tried that is not hidden', () => {
  expect(chosen('a.mbox', 'Inbox', '.DS_Store')).toEqual(['a.mbox', 'Inbox'])
  expect(chosen('mails/a.eml', 'mails/more/b.eml', 'mails/.git/c')).toEqual(['mails/a.eml', 'mails/more/b.eml'])
  expect(chosen('Maildir/tmp/3.host')).toEqual([])
})
