import { createServer, type Server } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { classifyAddress } from './address-class.ts'
import { egressFetch, resolveChecked } from './egress.ts'

const strict = { allowPrivate: false, privateHosts: [] }
const inside = [
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.5',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '100.127.255.255',
  '169.254.169.254',
  '192.0.0.1',
  '192.0.2.9',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.7',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:7f00:1',
  '::127.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::a00:5',
  '64:ff9b:1::1',
  '2002:7f00:1::',
  '2002:a00:5::1',
  '2002:a9fe:a9fe::',
  'fe80::5efe:127.0.0.1',
  '2a00::200:5efe:10.0.0.1',
  '2001:0:53aa:64c::1',
  '2001:db8::1',
  'fc00::1',
  'fd00::5',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '100::1',
  '4000::1',
]
const outside = [
  '8.8.8.8',
  '1.1.1.1',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '198.17.255.255',
  '2a00:1450:4001:82a::200e',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
]

describe('addresses', () => {
  it.each(inside)('%s is not public', (address) => expect(classifyAddress(address)).not.toBe('public'))
  it.each(outside)('%s is public', (address) => expect(classifyAddress(address)).toBe('public'))
})

describe('the way out', () => {
  const servers: Server[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((done) => server.close(done))
  })
  const listen = async (
    respond: (path: string) => { status: number; headers?: Record<string, string>; body: string },
  ) => {
    let hits = 0
    const server = createServer((request, response) => {
      hits++
      const { status, headers, body } = respond(request.url ?? '')
      response.writeHead(status, headers).end(body)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    servers.push(server)
    const address = server.address()
    return { port: typeof address === 'object' && address ? address.port : 0, hits: () => hits }
  }
  const limits = { maxBytes: 1000, timeoutMs: 2000, maxRedirects: 3, accept: '*/*', allowHttp: true }

  it.each(['localhost', '127.1', '2130706433', '0x7f.1', '017700000001', '[::1]', '[::ffff:127.0.0.1]', '127.0.0.1'])(
    'never reaches a listener here by %s',
    async (host) => {
      const server = await listen(() => ({ status: 200, body: 'secret' }))
      await expect(egressFetch(`http://${host}:${server.port}/`, { ...limits, policy: strict })).rejects.toMatchObject({
        code: 'account.address_denied',
      })
      expect(server.hits()).toBe(0)
    },
  )

  it('connects to the address it judged, whatever the name says the next time', async () => {
    const server = await listen(() => ({ status: 200, body: 'secret' }))
    const url = `http://rebind.example:${server.port}/`
    let answers = ['127.0.0.1', '192.0.2.1']
    const resolve = async () => [{ address: answers.shift() ?? '192.0.2.1', family: 4 }]
    const policy = { allowPrivate: false, privateHosts: [`rebind.example:${server.port}`] }
    expect((await egressFetch(url, { ...limits, policy, resolve })).body.toString()).toBe('secret')
    expect(answers).toEqual(['192.0.2.1'])
    // Refused, it is not asked for a better answer.
    answers = ['192.0.2.1', '127.0.0.1']
    await expect(egressFetch(url, { ...limits, policy: strict, resolve })).rejects.toMatchObject({
      code: 'account.address_denied',
    })
    expect([answers, server.hits()]).toEqual([['127.0.0.1'], 1])
  })

  it('judges every redirect anew', async () => {
    const hidden = await listen(() => ({ status: 200, body: 'secret' }))
    const first = await listen(() => ({
      status: 302,
      headers: { location: `http://127.0.0.1:${hidden.port}/` },
      body: '',
    }))
    const policy = { allowPrivate: false, privateHosts: [`first.example:${first.port}`] }
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
    await expect(
      egressFetch(`http://first.example:${first.port}/`, { ...limits, policy, resolve }),
    ).rejects.toMatchObject({ code: 'account.address_denied' })
    expect([first.hits(), hidden.hits()]).toEqual([1, 0])
  })

  it('stops at the size limit, at other schemes and at what is no address', async () => {
    const server = await listen(() => ({ status: 200, body: 'x'.repeat(5000) }))
    const policy = { allowPrivate: true, privateHosts: [] }
    await expect(egressFetch(`http://127.0.0.1:${server.port}/`, { ...limits, policy })).rejects.toMatchObject({
      code: 'remote_content.refused',
    })
    await expect(egressFetch('file:///etc/passwd', { ...limits, policy })).rejects.toMatchObject({
      code: 'remote_content.refused',
    })
    const astray = await listen(() => ({ status: 302, headers: { location: 'http://[' }, body: '' }))
    await expect(egressFetch(`http://127.0.0.1:${astray.port}/`, { ...limits, policy })).rejects.toMatchObject({
      code: 'remote_content.refused',
    })
    expect(
      (await egressFetch(`http://127.0.0.1:${server.port}/`, { ...limits, maxBytes: 9000, policy })).body,
    ).toHaveLength(5000)
  })

  it('says when a name is unknown, and lets the owner reach loopback', async () => {
    const resolve = async () => Promise.reject(new Error('ENOTFOUND'))
    await expect(resolveChecked('nowhere.example', 993, strict, resolve)).rejects.toMatchObject({ code: 'connect.dns' })
    expect(await resolveChecked('127.0.0.1', 993, { allowPrivate: true, privateHosts: [] })).toEqual([
      { address: '127.0.0.1', family: 4, kind: 'loopback' },
    ])
    await expect(resolveChecked('169.254.169.254', 80, { allowPrivate: true, privateHosts: [] })).rejects.toMatchObject(
      { code: 'account.address_denied' },
    )
  })
})
