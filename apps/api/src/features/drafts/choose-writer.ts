import { planWriter, type Writer } from '#mail/plan-draft.ts'
import { parseHeaders } from '../parse-headers.ts'
import type { AboutMail } from './carry-parts.ts'

/** Where servers write down whom a mail was for. */
const deliveryFields = ['delivered-to', 'x-original-to', 'envelope-to', 'x-envelope-to']
/** Longer nobody waits for a mail server to begin to write. */
const headWithinMs = 3000

/**
 * As whom a draft about a mail is written: of one's own text as who wrote it, else as who it was written to. The header says
 * more than is stored, and is asked for only where that decides something.
 */
export const chooseWriter = async <W extends Writer>(
  writers: W[],
  mail: Pick<AboutMail, 'accountId' | 'from' | 'to' | 'cc' | 'bcc'>,
  { isOwnText, readHead }: { isOwnText: boolean; readHead: () => Promise<Uint8Array> },
): Promise<W | null> => {
  const { accountId } = mail
  const fields = isOwnText ? [mail.from] : [mail.to, mail.cc, mail.bcc, mail.from]
  const written = fields.map((people) => people.map(({ address }) => address))
  const plan = planWriter(writers, { accountId, written, delivered: [] })
  if (plan.isCertain || isOwnText || writers.filter((one) => one.accountId === accountId).length < 2) return plan.writer
  const delivered = await within(headWithinMs, readHead().then(deliveredTo)).catch(() => [])
  return planWriter(writers, { accountId, written, delivered }).writer
}

const deliveredTo = (head: Uint8Array): string[] =>
  parseHeaders(Buffer.from(head))
    .filter(({ name }) => deliveryFields.includes(name.toLowerCase()))
    .map(({ value }) => value.replace(/^<|>$/g, ''))

const within = async <T>(ms: number, promise: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(() => fail(new Error('too late')), ms)
    })
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
