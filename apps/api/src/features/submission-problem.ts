import type { ErrorCode } from '@postern/shared/error-codes.ts'

/** What a server says of a mail that it does not take (RFC 3463), in plain words and with what its person can do. */
export type Explained = { message: string; hint: string }

const unknown = {
  message: 'There is no such mailbox.',
  hint: 'Check the address: a letter may be wrong, or the person has another one by now.',
}
const full = {
  message: 'The mailbox of the recipient is full.',
  hint: 'Try again later, or reach them in another way.',
}
const tooLarge = {
  message: 'The mail is too large for the server.',
  hint: 'Take it back as a draft and send less, or a link.',
}
const policy = {
  message: 'The server does not want this mail: it takes it for unwanted, or its rules forbid it.',
  hint: 'Read what it says. Fewer links, attachments and recipients may help; else ask the provider.',
}
const domain = {
  message: 'The domain of the address does not exist, or takes no mail.',
  hint: 'Check what stands behind the @.',
}
const sender = {
  message: 'The server does not let you write as this sender.',
  hint: 'Choose another identity, or ask the provider to allow this address.',
}
const login = {
  message: 'The server wants a login that allows sending.',
  hint: 'Check name and password for sending on the page of the account.',
}
const busy = {
  message: 'The server cannot take it right now.',
  hint: 'It is tried again by itself.',
}
const slow = {
  message: 'The server asks for patience: too many mails, or a sender it does not know yet.',
  hint: 'It is tried again by itself.',
}
const network = {
  message: 'The server of the recipient cannot be reached.',
  hint: 'It may be over soon.',
}

/** By the enhanced status without its class; the longest that fits counts. */
const bySubject: Record<string, Explained> = {
  '1.1': unknown,
  '1.0': unknown,
  '1.3': unknown,
  '1.6': unknown,
  '2.1': { message: 'The mailbox is closed at the moment, or for good.', hint: 'Reach the person in another way.' },
  '1.2': domain,
  '1.10': domain,
  '4.4': domain,
  '1.7': sender,
  '1.8': sender,
  '2.2': full,
  '2.3': tooLarge,
  '3.4': tooLarge,
  '7.0': policy,
  '7.1': policy,
  '7.8': login,
  '7.9': login,
  '7.60': sender,
  '4': network,
  '3': busy,
  '7': policy,
}

const byCode: Record<number, Explained> = {
  421: busy,
  450: slow,
  451: busy,
  452: full,
  530: login,
  534: login,
  535: login,
  550: {
    message: 'The server refuses it: there is no such mailbox, or it is not wanted there.',
    hint: 'Check the address, and read what the server says.',
  },
  551: unknown,
  552: tooLarge,
  553: { message: 'The server does not take this address.', hint: 'Check how it is written.' },
  554: policy,
  555: { message: 'The server does not take this address.', hint: 'Check how it is written.' },
}

const otherwise = {
  message: 'The server refuses it.',
  hint: 'Read what it says, and ask the provider if that does not help.',
}

/** `text`: what the server said, with its code. */
export const explainReply = (code: number | null, text: string | null): Explained => {
  const [, said, kind, subject = '', detail = ''] =
    /^(\d{3})[ -](?:([245])\.(\d{1,3})\.(\d{1,3})\b)?/.exec(text ?? '') ?? []
  if (kind === '4' && subject === '7') return slow
  const known = kind === undefined ? undefined : (bySubject[`${subject}.${detail}`] ?? bySubject[subject])
  const found = known ?? byCode[code ?? Number(said ?? 0)] ?? otherwise
  const isForNow = (code ?? Number(said ?? 0)) < 500
  return isForNow && found === otherwise ? busy : found
}

/** What went wrong on the way to the server. */
export const explainFault = (code: ErrorCode | null): Explained => {
  if (code === null) return busy
  if (code === 'login.unavailable')
    return { message: 'The sending server cannot check passwords right now.', hint: 'It is tried again by itself.' }
  if (code.startsWith('login.'))
    return {
      message: 'The sending server does not accept the name and password of this account.',
      hint: 'Enter the password anew on the page of the account; the mail goes then.',
    }
  if (code.startsWith('tls.'))
    return {
      message: 'There is no safe connection to the sending server.',
      hint: 'Look at the settings for sending on the page of the account.',
    }
  if (code === 'account.not_ready')
    return { message: 'This account has no server to send with.', hint: 'Enter one on the page of the account.' }
  if (code === 'relay.missing')
    return {
      message: 'The relay of the owner is not there any more.',
      hint: 'It goes as soon as there is one again, or once the account has a server of its own.',
    }
  if (code === 'relay.refused')
    return {
      message: 'The relay of the owner lets nobody in.',
      hint: 'The owner is told; it goes as soon as that is mended.',
    }
  if (code === 'relay.sender')
    return {
      message: 'The relay of the owner does not carry mail from this sender.',
      hint: 'Take it back as a draft and choose another sender, or ask the owner.',
    }
  if (code === 'relay.limit')
    return {
      message: 'The relay of the owner takes only so many mails of each person in an hour.',
      hint: 'It goes by itself when its turn comes.',
    }
  if (code === 'message.too_large') return tooLarge
  if (code === 'request.invalid')
    return {
      message: 'The sending server takes no address in this script.',
      hint: 'Use another address of the same person, in Latin letters.',
    }
  return { message: 'The sending server cannot be reached.', hint: 'It is tried again by itself.' }
}
