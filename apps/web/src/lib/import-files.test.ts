import { expect, it } from 'vitest'
import { chooseFiles } from './import-files.ts'

const folders = (...paths: string[]) =>
  chooseFiles(paths.map((path) => ({ path }))).map(({ names, files }) => [
    names.join('/'),
    ...files.map(({ path }) => path),
  ])
const chosen = (...paths: string[]) => {
  const [[, ...own] = []] = folders(...paths)
  return own
}

it('folders in a Maildir are mailboxes of their own, with the names that people gave them', () => {
  expect(
    folders('md/.Sub Ordner/cur/1', 'md/.A.Entw&APw-rfe/new/2', 'md/cur/3', 'md/.Q&-A/tmp/4', 'md/.Sub Ordner/new/5'),
  ).toEqual([
    ['', 'md/cur/3'],
    ['Sub Ordner', 'md/.Sub Ordner/cur/1', 'md/.Sub Ordner/new/5'],
    ['A/Entwürfe', 'md/.A.Entw&APw-rfe/new/2'],
  ])
  expect(folders('.Q&-A/cur/1', '.&a-/cur/2')).toEqual([
    ['Q&A', '.Q&-A/cur/1'],
    ['&a-', '.&a-/cur/2'],
  ])
})

it('of a Maildir only whole mails of its own are taken', () => {
  const mails = ['Maildir/cur/1.host:2,S', 'Maildir/new/2.host']
  const others = ['Maildir/tmp/3.host', 'Maildir/dovecot-uidlist', 'Maildir/.Sent/tmp/4.host:2,', 'Maildir/cur/.nfs01']
  expect(chosen(...others, ...mails)).toEqual(mails)
  expect(chosen('cur/1.host:2,S', 'cur/.hidden')).toEqual(['cur/1.host:2,S'])
})

it('of other files and folders everything is tried that is not hidden', () => {
  expect(chosen('a.mbox', 'Inbox', '.DS_Store')).toEqual(['a.mbox', 'Inbox'])
  expect(chosen('mails/a.eml', 'mails/more/b.eml', 'mails/.git/c')).toEqual(['mails/a.eml', 'mails/more/b.eml'])
  expect(chosen('Maildir/tmp/3.host')).toEqual([])
})
