import { expect, it } from 'vitest'
import { linesOf, listedDomain, listedHost } from './listed-lines.ts'

it('takes one thing a line as it was typed, and no line for three', () => {
  expect(linesOf(' example.org \r\n\n not a domain\n')).toEqual(['example.org', 'not a domain'])
})

it.each([
  ['example.org', 'example.org'],
  ['@Mail.Example.ORG', 'mail.example.org'],
  ['bücher.example', 'bücher.example'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['मेल.भारत', 'मेल.भारत'],
])('%s is a domain', (typed, kept) => expect(listedDomain(typed)).toBe(kept))

it.each([
  'not a domain',
  'domain',
  'example.org, else.example',
  'me@example.org',
  'https://example.org',
  'example.org/x',
  'example..org',
  'example.org.',
  '-x.example',
  '*.example.org',
  '192.0.2.7',
  `${'a'.repeat(64)}.example`,
  `${'abcdefg.'.repeat(40)}example`,
  '',
])('“%s” is none', (typed) => expect(listedDomain(typed)).toBeNull())

it.each([
  ['mail.home.example:143', 'mail.home.example:143'],
  ['LocalHost:25', 'localhost:25'],
  ['nas_2:2525', 'nas_2:2525'],
  ['192.168.1.2:587', '192.168.1.2:587'],
  // As it is compared with what is typed for a server.
  ['[FD00::2]:25', 'fd00::2:25'],
  ['fd00::2:25', 'fd00::2:25'],
])('%s is a host and its port', (typed, kept) => expect(listedHost(typed)).toBe(kept))

it.each([
  'bad host:xx',
  'bad',
  'host:xx',
  'mail.example.org',
  'mail.example.org:',
  ':25',
  'mail.example.org:0',
  'mail.example.org:65536',
  'mail.example.org:025',
  'smtp://mail.example.org:25',
  'mail.example.org:25/x',
  'me@mail.example.org:25',
  'mail..example:25',
  'mail:25:25',
  '192.168.1.256:25',
  '[192.168.1.2]:25',
  '[fd00::2:25',
  'fd00::2]:25',
  'fd00::2',
  '',
])('“%s” is none', (typed) => expect(listedHost(typed)).toBeNull())
