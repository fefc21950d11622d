import { describe, expect, it } from 'vitest'
import { misleadingLink } from './misleading-links.ts'

describe('links that say one address and lead to another', () => {
  it.each([
    ['https://paypal.com', 'https://evil.example/x', 'paypal.com', 'evil.example'],
    ['paypal.com', 'https://paypal.com.evil.example', 'paypal.com', 'paypal.com.evil.example'],
    ['www.bank.example.com/login', 'http://203.0.113.9/', 'bank.example.com', '203.0.113.9'],
    ['Sign in at HTTPS://PayPal.com/ now', 'https://evil.example', 'paypal.com', 'evil.example'],
    ['http://paypal.com@evil.example', 'https://other.example', 'evil.example', 'other.example'],
    ['help@paypal.com', 'mailto:help@evil.example', 'paypal.com', 'evil.example'],
    ['help@paypal.com', 'mailto:x%40paypal.com,help%40evil.example', 'paypal.com', 'evil.example'],
  ])('%s -> %s', (text, href, shown, target) => expect(misleadingLink(text, href)).toEqual({ shown, target }))

  it.each([
    ['https://example.org/a', 'https://example.org/b'],
    ['example.org', 'https://www.example.org/'],
    ['www.example.org', 'https://shop.example.org/'],
    ['shop.example.org', 'https://example.org/shop'],
    ['EXAMPLE.org', 'HTTPS://example.ORG'],
    ['bücher.example.org', 'https://xn--bcher-kva.example.org/'],
    ['Read more', 'https://evil.example/'],
    ['report.pdf', 'https://files.example.org/'],
    ['e.g. this', 'https://example.org'],
    ['help@example.org', 'mailto:help@mail.example.org'],
    ['%', 'mailto:%'],
    ['example.org', 'tel:+4912345'],
    ['example.org', '#below'],
    [`https://${'a'.repeat(100_000)}`, 'https://example.org'],
  ])('%s says nothing wrong about %s', (text, href) => expect(misleadingLink(text, href)).toBeNull())
})
