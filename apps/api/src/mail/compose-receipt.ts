import { type Correspondent, headersOf, newNode } from './compose-message.ts'
import { readAddress, wireAddress } from './mail-address.ts'

export type Receipt = {
  /** Who has read it, by the address it was written to. */
  from: Correspondent
  to: string
  /** Of the mail that was read; its Message-ID with brackets, where it has one. */
  about: { subject: string; messageId: string | null }
  subject: string
  text: string
  date: Date
  messageId: string
}

/** That a person has read a mail, as they chose to say. RFC 8098 3. Throws request.invalid. */
export const composeReceipt = (receipt: Receipt): AsyncIterable<Buffer> => {
  const { from, to, about, subject, text, date, messageId } = receipt
  const headers = headersOf({
    from,
    replyTo: [],
    to: [{ name: '', address: to }],
    cc: [],
    subject,
    date,
    zoneMinutes: 0,
    messageId,
    inReplyTo: about.messageId,
    references: about.messageId === null ? [] : [about.messageId],
    receiptTo: null,
  })
  const root = newNode('multipart/report; report-type=disposition-notification')
  root.setHeader(headers)
  root.createChild('text/plain; charset=utf-8').setContent(text)
  const address = readAddress(from.address)
  const fields = [
    'Reporting-UA: Postern',
    `Final-Recipient: ${address?.isUnicode ? 'utf-8' : 'rfc822'};${address ? wireAddress(address) : from.address}`,
    ...(about.messageId === null ? [] : [`Original-Message-ID: ${about.messageId}`]),
    'Disposition: manual-action/MDN-sent-manually; displayed',
  ]
  const part = root.createChild('message/disposition-notification')
  part.setHeader('Content-Transfer-Encoding', address?.isUnicode ? '8bit' : '7bit')
  part.setContent(`${fields.join('\r\n')}\r\n`)
  return root.createReadStream()
}
