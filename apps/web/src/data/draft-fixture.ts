import type { Draft, DraftAttachment, DraftContent } from '@postern/shared/drafts.ts'
import type { Submission } from '@postern/shared/submissions.ts'
import { app, blank } from './app-state.ts'

/** For tests: a browser's storage, and a server that has drafts and mail on its way, as far as they are looked at. */
export const content: DraftContent = {
  identityId: '1',
  to: [],
  cc: [],
  bcc: [],
  subject: '',
  text: 'one',
  html: null,
  about: null,
  quotes: false,
  wantsReceipt: false,
  wantsReport: false,
}

export const draftOf = (id: string, version: number, saved: DraftContent, attachments: DraftAttachment[] = []): Draft =>
  ({ id, version, content: saved, attachments, updatedAt: '2026-11-26T10:00:00.000Z' }) as unknown as Draft // as above

export const fileOf = (id: string): DraftAttachment => ({ id, state: 'here', contentId: null }) as DraftAttachment // as above

export const signIn = (id: string): void =>
  app.set({ ...blank, session: { user: { id }, settings: {} } as unknown as typeof blank.session, isOnline: true }) // as above

export const storage = (): Storage => {
  const kept = new Map<string, string>()
  const methods = {
    setItem: (key: string, value: string) => void kept.set(key, value),
    getItem: (key: string) => kept.get(key) ?? null,
    removeItem: (key: string) => void kept.delete(key),
  }
  return new Proxy(methods, {
    get: (_, key) => methods[key as keyof typeof methods] ?? kept.get(String(key)), // a key it has, or one of ours
    ownKeys: () => [...kept.keys()],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  }) as Storage // what is used of one
}

type Asked = { asked: string; id: string; part: string; version: string | null; given: unknown }
type Row = { draft: Draft; sentAs: string | null; isDiscarded: boolean }

export class DraftServer {
  readonly rows = new Map<string, Row>()
  readonly submissions = new Map<string, Submission>()
  /** What was asked, in order. */
  readonly asked: string[] = []
  /** Set: this one is done, and its answer lost. */
  losesAnswer: (asked: string) => boolean = () => false
  /** Set: nothing gets through before this. */
  waitsFor: (asked: string) => Promise<unknown> | undefined = () => undefined
  isAway = false

  put(draft: Draft): void {
    this.rows.set(draft.id, { draft, sentAs: null, isDiscarded: false })
  }

  /** Somebody writes on it at another device. */
  write(id: string, text: string): void {
    const row = this.rows.get(id)
    if (row) row.draft = { ...row.draft, version: row.draft.version + 1, content: { ...row.draft.content, text } }
  }

  send(id: string, submissionId: string, state: Submission['state'] = 'queued'): Submission {
    const submission = { id: submissionId, state, subject: '', evidence: [], toldAt: null } as unknown as Submission // as above
    this.submissions.set(submissionId, submission)
    const row = this.rows.get(id)
    if (row) row.sentAs = submissionId
    return submission
  }

  /** Its draft is one again. */
  cancel(submissionId: string): Submission {
    for (const row of this.rows.values()) if (row.sentAs === submissionId) row.sentAs = null
    const submission = { ...this.send('', submissionId), state: 'cancelled' as const }
    this.submissions.set(submissionId, submission)
    return submission
  }

  texts(): string[] {
    return [...this.rows.values()].flatMap(({ draft, isDiscarded }) => (isDiscarded ? [] : draft.content.text))
  }

  fetch = async (address: string, { method = 'GET', body }: RequestInit): Promise<Response> => {
    const { pathname, searchParams } = new URL(address, 'http://postern')
    const [, , list = '', id = '', act = '', part = ''] = pathname.split('/')
    const asked = [method, list, ...(id ? [id] : []), ...(act ? [act] : [])].join(' ')
    this.asked.push(asked)
    await this.waitsFor(asked)
    if (this.isAway) throw new TypeError('no line')
    const given: unknown = JSON.parse(String(body ?? 'null'))
    const answer = this.answer({
      asked: `${method} ${list} ${act}`.trim(),
      id,
      part,
      version: searchParams.get('version'),
      given,
    })
    if (this.losesAnswer(asked)) throw new TypeError('no line')
    return answer
  }

  private answer({ asked, id, part, version, given }: Asked) {
    const row = this.rows.get(id)
    if (asked === 'PATCH settings' || asked === 'DELETE drafts attachments') return new Response(null, { status: 204 })
    if (asked === 'POST drafts attachments') return Response.json(fileOf(part))
    if (asked === 'GET identities') return Response.json({ identities })
    if (asked === 'POST drafts') {
      const { id: wanted } = given as { id: string } // as it is sent, here and below
      this.put(draftOf(wanted, 1, { ...content, html: '<p>one</p>' }))
      return Response.json(this.rows.get(wanted)?.draft)
    }
    if (asked === 'GET submissions' && id) return this.told(this.submissions.get(id))
    if (asked === 'POST submissions') return this.take(given as { id: string; draftId: string; version: number })
    if (asked === 'POST submissions cancel') {
      const draft = [...this.rows.values()].find(({ sentAs }) => sentAs === id)?.draft
      return Response.json({ submission: this.cancel(id), draft })
    }
    if (row && row.sentAs !== null) return refuse('request.conflict')
    if (asked === 'PUT drafts') return this.save(id, given as { baseVersion: number; content: DraftContent })
    if (!row || (row.isDiscarded && asked !== 'POST drafts restore')) return refuse('not_found')
    if (version !== null && Number(version) !== row.draft.version) return refuse('request.conflict')
    row.isDiscarded = asked === 'DELETE drafts'
    return row.isDiscarded ? new Response(null, { status: 204 }) : Response.json(row.draft)
  }

  private told(found: unknown): Response {
    return found ? Response.json(found) : refuse('not_found')
  }

  private save(id: string, { baseVersion, content: saved }: { baseVersion: number; content: DraftContent }): Response {
    const row = this.rows.get(id)
    if (!row && baseVersion > 0) return refuse('not_found')
    if (row && JSON.stringify(row.draft.content) === JSON.stringify(saved))
      return Response.json({ draft: row.draft, isOther: false })
    const isOther = row !== undefined && row.draft.version !== baseVersion
    const draft = isOther
      ? draftOf(`${id}-beside`, 1, saved, row.draft.attachments)
      : draftOf(id, baseVersion + 1, saved, row?.draft.attachments)
    this.put(draft)
    return Response.json({ draft, isOther })
  }

  private take({ id, draftId, version }: { id: string; draftId: string; version: number }): Response {
    const known = this.submissions.get(id)
    if (known) return Response.json(known)
    const row = this.rows.get(draftId)
    if (!row) return refuse('not_found')
    if (row.sentAs !== null || row.draft.version !== version) return refuse('request.conflict')
    return Response.json(this.send(draftId, id))
  }
}

const identities = [{ id: '1', accountId: '1', signature: '<p>Robin</p>', canSend: true, isDefault: true }]

const refuse = (code: 'not_found' | 'request.conflict'): Response =>
  Response.json({ error: { code, message: `${code}.` } }, { status: code === 'not_found' ? 404 : 409 })
