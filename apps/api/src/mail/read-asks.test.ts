import { describe, expect, it } from 'vitest'
import { readAsks } from './read-asks.ts'

const asks = (header: string, messageId: string | null = '<m1@example.org>') => readAsks(Buffer.from(header), messageId)

describe('what a mail asks for', () => {
  it('is nothing for most', () => {
    expect(asks('')).toBeNull()
    expect(asks('\r\n')).toBeNull()
    expect(asks('References: <a@b>\r\nList-Id: <l.example.org>\r\n')).toBeNull()
    expect(asks('Disposition-Notification-To: nobody\r\n')).toBeNull()
  })

  it('is a receipt, to one address', () => {
    expect(asks('Disposition-Notification-To: "Ann, Lee"\r\n <ann@example.org>, b@example.org\r\n')?.receipt).toEqual({
      to: 'ann@example.org',
      messageId: '<m1@example.org>',
    })
    expect(asks('disposition-notification-to: ann@example.org\r\n', null)?.receipt).toEqual({
      to: 'ann@example.org',
      messageId: null,
    })
  })

  it('is to leave a list, by https or mail, in one step only where it says exactly that', () => {
    const list = (post: string, links = '<https://l.example.org/u?\r\n t=1>, <mailto:u@l.example.org?subject=off>') =>
      asks(`List-Id: News <News.example.org>\r\nList-Unsubscribe: (help) ${links}\r\n${post}`)?.list
    expect(list('List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n')).toEqual({
      id: 'news.example.org',
      links: ['https://l.example.org/u?t=1', 'mailto:u@l.example.org?subject=off'],
      isOneClick: true,
    })
    expect(list('List-Unsubscribe-Post: List-Unsubscribe=One-Click&x=1\r\n')?.isOneClick).toBe(false)
    for (const link of [
      'http://l.example.org/u',
      'javascript:alert(1)',
      'file:///etc/passwd',
      `https://${'x'.repeat(3000)}`,
    ])
      expect(list('', `<${link}>`), link).toBeUndefined()
  })
})
