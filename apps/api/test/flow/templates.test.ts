import { randomUUID } from 'node:crypto'
import { templateList, template as templateSchema } from '@postern/shared/templates.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { presentChanges } from '#features/present-changes.ts'
import { sweepTemplates } from '#store/templates.ts'
import { type OutboxApi, startOutboxApi } from './outbox-fixture.ts'

let api: OutboxApi
beforeAll(async () => {
  api = await startOutboxApi()
  await api.store.prisma.stream.create({ data: { userId: api.userId } })
})
afterAll(() => api.stop())

const chip = '<span data-placeholder="recipient.firstName">{recipient.firstName}</span>'
const content = (more: object = {}) => ({ name: 'Thanks', subject: '', html: '<p>Thank you</p>', ...more })
const put = (id: string, baseVersion: number, more: object = {}, cookie?: string) =>
  api.send('PUT', `/templates/${id}`, { baseVersion, content: content(more) }, cookie)
const saved = async (answer: ReturnType<OutboxApi['send']>) => {
  const { statusCode, body } = await answer
  expect(statusCode, body).toBe(200)
  return templateSchema.parse(JSON.parse(body))
}
const errorOf = async (answer: ReturnType<OutboxApi['send']>) =>
  (await answer).json<{ error: { code: string; fields?: object } }>().error
const list = async (cookie?: string) =>
  templateList.parse((await api.send('GET', '/templates', undefined, cookie)).json()).templates
const rows = () => api.store.prisma.template

it('a template is made once, with the plain text of its HTML, listed by name, and opened whole', async () => {
  const [id, other] = [randomUUID(), randomUUID()]
  const made = await saved(put(id, 0, { subject: 'Hi\r\nBcc: x', html: `<p>Dear ${chip},</p><ul><li>one</li></ul>` }))
  expect(made).toMatchObject({
    version: 1,
    content: { subject: 'Hi Bcc: x' },
    text: 'Dear {recipient.firstName},\n\n- one',
  })
  // The answer was lost, and it is sent again; or twice at once.
  expect(await saved(put(id, 0, { subject: 'Hi\r\nBcc: x', html: made.content.html }))).toEqual(made)
  const apples = () => saved(put(other, 0, { name: ' apples\u202e\u0000 ' }))
  const [first, ...same] = await Promise.all([apples(), apples(), apples(), apples()])
  for (const one of same) expect(one).toEqual(first)
  expect(await list()).toMatchObject([
    { id: other, name: 'apples', preview: 'Thank you' },
    { id, name: 'Thanks', subject: 'Hi Bcc: x', preview: 'Dear {recipient.firstName}, - one' },
  ])
  expect((await api.send('GET', `/templates/${id}`)).json()).toEqual(made)
  await rows().deleteMany()
})

it('of two who change the same version the second is told, and nothing of the first is lost', async () => {
  const id = randomUUID()
  await saved(put(id, 0))
  expect((await saved(put(id, 1, { name: 'first' }))).version).toBe(2)
  expect(await errorOf(put(id, 1, { name: 'second' }))).toMatchObject({ code: 'request.conflict' })
  expect(await list()).toMatchObject([{ name: 'first', version: 2 }])
  expect(await errorOf(put(randomUUID(), 1))).toMatchObject({ code: 'not_found' })
  await rows().deleteMany()
})

it('a removed one comes back for a day, and its name can be used meanwhile', async () => {
  const id = randomUUID()
  await saved(put(id, 0))
  expect((await api.send('DELETE', `/templates/${id}`)).statusCode).toBe(204)
  expect(await list()).toEqual([])
  expect(await errorOf(api.send('GET', `/templates/${id}`))).toMatchObject({ code: 'not_found' })
  await saved(put(randomUUID(), 0))
  await saved(api.send('POST', `/templates/${id}/restore`))
  expect(await list()).toHaveLength(2)
  await api.send('DELETE', `/templates/${id}`)
  await sweepTemplates(api.store)
  expect(await rows().count()).toBe(2)
  await rows().update({ where: { id }, data: { removedAt: new Date(Date.now() - 25 * 3_600_000) } })
  await sweepTemplates(api.store)
  expect(await errorOf(api.send('POST', `/templates/${id}/restore`))).toMatchObject({ code: 'not_found' })
  await rows().deleteMany()
})

it('of removed ones the latest are kept, as many as there may be', async () => {
  const removed = Array.from({ length: 500 }, (_, n) => ({
    ...{ id: randomUUID(), userId: api.userId, name: `${n}`, subject: '', html: '', text: '' },
    removedAt: new Date(Date.now() - n * 1000),
  }))
  await rows().createMany({ data: removed })
  const id = randomUUID()
  await saved(put(id, 0))
  await api.send('DELETE', `/templates/${id}`)
  expect(await rows().count()).toBe(500)
  expect(await rows().findMany({ where: { OR: [{ id }, { name: '499' }] } })).toMatchObject([{ id }])
  await rows().deleteMany()
})

it('nobody sees, changes or takes over what is somebody else’s', async () => {
  const stranger = await api.signIn((await api.makeUser('stranger@example.org')).id)
  const id = randomUUID()
  await saved(put(id, 0))
  for (const [method, path] of [
    ['GET', `/templates/${id}`],
    ['DELETE', `/templates/${id}`],
    ['POST', `/templates/${id}/restore`],
  ] as const)
    expect(await errorOf(api.send(method, path, undefined, stranger)), method).toMatchObject({ code: 'not_found' })
  expect(await errorOf(put(id, 1, { name: 'theirs' }, stranger))).toMatchObject({ code: 'not_found' })
  expect(await errorOf(put(id, 0, { name: 'theirs' }, stranger))).toMatchObject({ code: 'request.conflict' })
  expect(await list(stranger)).toEqual([])
  expect(await list()).toMatchObject([{ name: 'Thanks', version: 1 }])
  await rows().deleteMany()
})

it('nameless, too long and too many ones are refused with the reason', async () => {
  for (const name of ['', '  ', '\u202e'])
    expect(await errorOf(put(randomUUID(), 0, { name }))).toMatchObject({ code: 'request.invalid' })
  expect(await errorOf(put(randomUUID(), 0, { html: 'x'.repeat(2_000_001) }))).toMatchObject({
    code: 'request.invalid',
  })
  await rows().createMany({
    data: Array.from({ length: 500 }, (_, n) => ({
      ...{ id: randomUUID(), userId: api.userId, name: `${n}`, subject: '', html: '', text: '' },
    })),
  })
  expect(await errorOf(put(randomUUID(), 0))).toMatchObject({ code: 'request.too_large' })
  await rows().deleteMany()
})

it('there are never more than there may be, also of those that come back and of those that are made at once', async () => {
  const filled = Array.from({ length: 499 }, (_, n) => ({
    ...{ id: randomUUID(), userId: api.userId, name: `${n}`, subject: '', html: '', text: '' },
  }))
  const removed = [randomUUID(), randomUUID()] as const
  for (const id of removed) {
    await saved(put(id, 0))
    await api.send('DELETE', `/templates/${id}`)
  }
  await rows().createMany({ data: filled })
  const answers = await Promise.all([
    ...Array.from({ length: 4 }, () => put(randomUUID(), 0)),
    api.send('POST', `/templates/${removed[0]}/restore`),
    put(removed[1], 1, { name: 'changed' }),
  ])
  expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 413, 413, 413, 413, 413])
  expect(await list()).toHaveLength(500)
  await rows().deleteMany()
})

it('every screen of its person is told', async () => {
  const id = randomUUID()
  await api.store.prisma.change.deleteMany()
  await saved(put(id, 0))
  await api.send('DELETE', `/templates/${id}`)
  await api.send('POST', `/templates/${id}/restore`)
  const facts = await api.store.prisma.change.findMany({ where: { kind: 'templates' } })
  expect(facts).toHaveLength(3)
  const stream = { accountId: null, userId: api.userId }
  expect(await presentChanges(api.store.readTogether, stream, [{ kind: 'templates' }])).toEqual([{ kind: 'templates' }])
})
