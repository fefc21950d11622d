import { describe, expect, it } from 'vitest'
import { decodeName, encodeName, MailboxNames } from './mailbox-names.ts'

describe('names of mailboxes', () => {
  it.each([
    ['Entwürfe', 'Entw&APw-rfe'],
    ['R&D', 'R&-D'],
    ['日本語', '&ZeVnLIqe-'],
    ['台北/日本語', '&U,BTFw-/&ZeVnLIqe-'],
    ['Входящие', '&BBIERQQ+BDQETwRJBDgENQ-'],
    ['هام', '&BkcGJwZF-'],
    ['🎉 é&', '&2DzfiQ- &AOk-&-'],
    ['a\tb', 'a&AAk-b'],
    ['plain ~ "quoted" \\', 'plain ~ "quoted" \\'],
  ])('are spelled in modified UTF-7: %s', (name, wire) => {
    expect(encodeName(name)).toBe(wire)
    expect(decodeName(wire)).toBe(name)
  })
  it.each(['R&D', 'bad&U-', '&AGE-', 'Entwürfe', 'a&', '&2Dw-', '&AAA-', 'é&-', '&ZeVnLIqe'])(
    'are left alone where they follow no rule: %s',
    (wire) => {
      expect(decodeName(wire)).toBeNull()
      const names = new MailboxNames(false)
      const path = names.fromWire(`Entw&APw-rfe/${wire}`, '/')
      expect(path).toBe(`Entwürfe/${wire}`)
      expect(names.toWire(path)).toBe(`Entw&APw-rfe/${wire}`)
      expect(names.pathOf(`Entw&APw-rfe/${wire}`)).toBe(path)
      expect(names.toWire('R&D/other')).toBe('R&-D/other')
    },
  )
  it('pass as they are where UTF-8 was agreed on', () => {
    const names = new MailboxNames(true)
    expect(names.fromWire('R&D &ZeVnLIqe- Entwürfe', '/')).toBe('R&D &ZeVnLIqe- Entwürfe')
    expect(names.toWire('R&D')).toBe('R&D')
    expect(names.spellAsRead('R&D')).toBe(false)
  })
  it('are sent as they are read once the usual spelling named nothing', () => {
    const names = new MailboxNames(false)
    expect(names.spellAsRead('Plain')).toBe(false)
    expect(names.spellAsRead('Entwürfe')).toBe(true)
    expect(names.toWire('Entwürfe')).toBe('Entwürfe')
    expect(names.spellAsRead('Entwürfe')).toBe(false)
  })
})
