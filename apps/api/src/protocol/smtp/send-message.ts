import { Readable } from 'node:stream'
import type SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import { displayLine } from '#mail/storable-text.ts'
import { AppError } from '#platform/errors.ts'
import { maxServerText } from '../session-error.ts'
import type { SmtpSession } from './open-session.ts'
import { toSmtpError } from './smtp-error.ts'

/** What a server answered. RFC 5321 4.2, RFC 3463. */
export type Reply = { code: number; enhanced: string | null; text: string }

export type Submission = {
  from: string
  to: string[]
  sizeBytes: number
  /** Exactly that many octets, lines ending with CRLF. */
  octets: AsyncIterable<Uint8Array>
  isUnicode: boolean
  /** To be told of what becomes of it. RFC 3461. */
  wantsReport: boolean
  /** What a report calls it (ENVID). */
  envelopeId: string
}

export type Refusal = { address: string; reply: Reply }

/** Where it ended. Up to `content` the server has seen no end of the mail and cannot have taken it. */
export type SubmissionStage = 'sender' | 'recipients' | 'content' | 'committed'

/**
 * `accepted`: the server has it now, for all but those refused. `refused`: it said no, to all of it. `lost`: no answer came; from
 * `committed` on nobody here knows whether the server has it.
 */
export type SubmissionEnd =
  | { kind: 'accepted'; reply: Reply; refused: Refusal[] }
  | { kind: 'refused'; stage: SubmissionStage; reply: Reply; refused: Refusal[] }
  | { kind: 'lost'; stage: SubmissionStage; error: AppError; refused: Refusal[] }

/**
 * Sends one mail. Before its last octets leave, and with them the dot that ends it, `commit` is asked, with those the server
 * takes it for: from there on it may be there, whatever becomes of the connection. Where `commit` throws the socket is destroyed and
 * the server sees no end. Throws what `commit` and `octets` throw, message.too_large (the server said before how much it takes),
 * request.invalid (an address that it cannot take), message.gone (the octets are not as many as they are said to be).
 */
export const sendMessage = async (
  session: SmtpSession,
  submission: Submission,
  commit: (accepted: string[], refused: Refusal[]) => Promise<void>,
): Promise<SubmissionEnd> => {
  const { smtp, maxBytes, takesUnicode } = session
  const { from, to, sizeBytes, octets, isUnicode, wantsReport, envelopeId } = submission
  if (maxBytes !== null && sizeBytes > maxBytes) throw tooLarge(maxBytes)
  if (isUnicode && !takesUnicode) throw notTaken()
  const envelope: Envelope = {
    from,
    to,
    size: sizeBytes,
    use8BitMime: true,
    ...(wantsReport ? { dsn: { id: envelopeId, ret: 'HDRS', notify: ['SUCCESS', 'FAILURE', 'DELAY'] } } : {}),
  }
  let stage: SubmissionStage = 'sender'
  let fault: unknown
  let committing: Promise<void> | undefined
  const answered = Promise.withResolvers<{ response: string } | { error: unknown }>()
  async function* gated(): AsyncGenerator<Uint8Array> {
    stage = 'content'
    try {
      let held: Uint8Array | undefined
      let bytes = 0
      for await (const piece of octets) {
        bytes += piece.length
        if (held) yield held
        held = piece
      }
      if (bytes !== sizeBytes) throw notWhole()
      committing = commit(envelope.accepted ?? [], refusalsOf(envelope))
      await committing
      // Cut off meanwhile: its end never left.
      if (!session.isOpen()) return
      stage = 'committed'
      session.awaitsEnd = true
      if (held) yield held
    } catch (error) {
      fault = error
      session.destroy()
      throw error
    }
  }
  // One that is ended by us answers nobody; what the library has to say of another end comes right behind it.
  const onEnd = () => setImmediate(() => answered.resolve({ error: { code: 'ECONNECTION' } }))
  smtp.once('end', onEnd)
  smtp.send(envelope, Readable.from(gated(), { objectMode: false }), (error, info) =>
    answered.resolve(error ? { error } : { response: info.response }),
  )
  const answer = await answered.promise
  smtp.off('end', onEnd)
  session.awaitsEnd = false
  // Who is told how it ended may rely on that nothing is written about it any more.
  await committing?.catch(() => undefined)
  if (fault !== undefined) throw fault
  const refused = refusalsOf(envelope)
  if ('response' in answer) return { kind: 'accepted', reply: readReply(answer.response), refused }
  const { response, command } = Object(answer.error) as { response?: unknown; command?: unknown } // what the library puts on its errors
  if (stage === 'sender' && command === 'RCPT TO') stage = 'recipients'
  if (typeof response === 'string' && command !== 'CONN')
    return { kind: 'refused', stage, reply: readReply(response), refused }
  return { kind: 'lost', stage, error: toSmtpError(answer.error), refused }
}

/** The library fills in how each recipient was answered. */
type Envelope = SMTPConnection.Envelope & {
  accepted?: string[]
  rejectedErrors?: { recipient?: string; response?: string }[]
}

const refusalsOf = ({ rejectedErrors = [] }: Envelope): Refusal[] =>
  rejectedErrors.map(({ recipient = '', response = '' }) => ({ address: recipient, reply: readReply(response) }))

const readReply = (response: string): Reply => {
  const [, code = '0', enhanced] = /^(\d{3})[ -](?:([245]\.\d{1,3}\.\d{1,3})[ \r\n])?/.exec(response) ?? []
  return { code: Number(code), enhanced: enhanced ?? null, text: displayLine(response, maxServerText) }
}

const tooLarge = (maxBytes: number): AppError =>
  new AppError('message.too_large', 'The sending server does not take a mail of this size.', {
    hint: `It takes up to ${Math.floor(maxBytes / 1_000_000)} MB, attachments count a third more. Send less, or a link.`,
  })

const notWhole = (): AppError =>
  new AppError('message.gone', 'What was to be sent is no longer here as a whole.', { hint: 'Write it again.' })

const notTaken = (): AppError =>
  new AppError('request.invalid', 'The sending server takes no address in this script.', {
    hint: 'Use another address of the same person, in Latin letters.',
  })
