import type { Socket } from 'node:net'
import { type Deed, startScriptedImap } from './scripted-imap.ts'

export type ScriptedMail = { uid: number; raw: string; flags: Set<string>; gmailId?: string }
export type ScriptedMailbox = { attributes?: string; mails: ScriptedMail[]; uidNext: number }
export type ScriptedServer = {
  port: number
  /** By name as it goes over the wire. */
  mailboxes: Map<string, ScriptedMailbox>
  /** Every command of every session, without its tag. */
  said: string[]
  put: (mailbox: string, raw: string, gmailId?: string) => void
  stop: () => Promise<void>
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, (char) => `\\${char}`)}"`
/** The first word of a command's arguments, whether it is quoted or not, in UTF-8. */
const nameIn = (args: string): string => {
  const text = Buffer.from(args, 'latin1').toString('utf8')
  const word = /^"((?:[^"\\]|\\.)*)"|^\S+/.exec(text)
  return word?.[1]?.replace(/\\(.)/g, '$1') ?? word?.[0] ?? ''
}
const header = (raw: string, name: string): string | null =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(raw)?.[1]?.trim() ?? null
const bodyOf = (raw: string): string => raw.slice(raw.indexOf('\r\n\r\n') + 4)

/**
 * A mail server of real mailboxes with a few mails each, for what no server at hand does: names in UTF-8 or against the
 * rules, Gmail's numbers. A command in `before` is answered
 * once that is over.
 */
export const startScriptedMailboxes = async (
  capabilities: string,
  names: Record<string, string>,
  { before = {} }: { before?: Record<string, (args: string) => Promise<void>> } = {},
): Promise<ScriptedServer> => {
  const mailboxes = new Map<string, ScriptedMailbox>(
    Object.entries(names).map(([name, attributes]) => [name, { attributes, mails: [], uidNext: 1 }]),
  )
  const open = new WeakMap<Socket, ScriptedMailbox>()
  const said: string[] = []
  const send = (socket: Socket, text: string) => socket.write(Buffer.from(text, 'utf8'))
  const status = ({ mails, uidNext }: ScriptedMailbox) =>
    `(MESSAGES ${mails.length} UNSEEN ${mails.filter(({ flags }) => !flags.has('\\Seen')).length} UIDNEXT ${uidNext} UIDVALIDITY 7)`
  const chosen = (socket: Socket, set: string, isUid: boolean): [number, ScriptedMail][] => {
    const mails = open.get(socket)?.mails ?? []
    const last = isUid ? (mails.at(-1)?.uid ?? 0) : mails.length
    const ranges = set.split(',').map((range) => {
      const [from = '0', to = from] = range.split(':').map((end) => (end === '*' ? String(last) : end))
      return [Math.min(Number(from), Number(to)), Math.max(Number(from), Number(to))] as const
    })
    return mails
      .map((mail, index): [number, ScriptedMail] => [index + 1, mail])
      .filter(([seq, { uid }]) => ranges.some(([from, to]) => from <= (isUid ? uid : seq) && (isUid ? uid : seq) <= to))
  }
  const deeds: Record<string, Deed> = {
    CAPABILITY: (socket, tag) => send(socket, `* CAPABILITY IMAP4rev1 IDLE ${capabilities}\r\n${tag} OK x\r\n`),
    ENABLE: (socket, tag, args) => send(socket, `* ENABLED ${args}\r\n${tag} OK x\r\n`),
    LIST: (socket, tag, args) => {
      if (args === '"" ""') return send(socket, `* LIST (\\Noselect) "/" ""\r\n${tag} OK x\r\n`)
      for (const [name, mailbox] of mailboxes) {
        send(socket, `* LIST (${mailbox.attributes ?? ''}) "/" ${quoted(name)}\r\n`)
        if (args.includes('STATUS') && !mailbox.attributes?.includes('\\Noselect'))
          send(socket, `* STATUS ${quoted(name)} ${status(mailbox)}\r\n`)
      }
      return send(socket, `${tag} OK x\r\n`)
    },
    SELECT: (socket, tag, args) => {
      const mailbox = mailboxes.get(nameIn(args))
      if (!mailbox) return send(socket, `${tag} NO [NONEXISTENT] There is no such mailbox.\r\n`)
      open.set(socket, mailbox)
      const { mails, uidNext } = mailbox
      return send(
        socket,
        `* ${mails.length} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT ${uidNext}] x\r\n* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] x\r\n${tag} OK [READ-WRITE] x\r\n`,
      )
    },
    SEARCH: (socket, tag) =>
      send(socket, `* SEARCH ${(open.get(socket)?.mails ?? []).map(({ uid }) => uid).join(' ')}\r\n${tag} OK x\r\n`),
    NOOP: (socket, tag) => send(socket, `* ${open.get(socket)?.mails.length ?? 0} EXISTS\r\n${tag} OK x\r\n`),
    FETCH: (socket, tag, args, isUid) => {
      for (const [seq, mail] of chosen(socket, args.split(' ')[0] ?? '', isUid))
        send(socket, `* ${seq} FETCH (${fetched(mail, args)})\r\n`)
      send(socket, `${tag} OK x\r\n`)
    },
    STORE: (socket, tag, args, isUid) => {
      const [set = '', how = ''] = args.split(' ')
      const flags = /\(([^)]*)\)/.exec(args)?.[1]?.split(' ').filter(Boolean) ?? []
      for (const [, mail] of chosen(socket, set, isUid))
        for (const flag of flags)
          for (const twin of twinsOf(mail)) how.startsWith('-') ? twin.flags.delete(flag) : twin.flags.add(flag)
      send(socket, `${tag} OK x\r\n`)
    },
    // As Gmail has it: what goes to a mailbox that has it keeps its number there, and what lies in All Mail stays there.
    MOVE: (socket, tag, args, isUid) => {
      const set = args.split(' ')[0] ?? ''
      const target = mailboxes.get(nameIn(args.slice(set.length + 1)))
      const from = open.get(socket)
      if (!target || !from) return send(socket, `${tag} NO [TRYCREATE] There is no such mailbox.\r\n`)
      const moved = chosen(socket, set, isUid).map(([seq, mail]) => {
        const there = target.mails.find(({ gmailId }) => gmailId !== undefined && gmailId === mail.gmailId)
        const uid = there?.uid ?? target.uidNext++
        if (!there) target.mails.push({ ...mail, uid })
        return { seq, mail, uid }
      })
      send(
        socket,
        `* OK [COPYUID 7 ${moved.map(({ mail }) => mail.uid).join(',')} ${moved.map(({ uid }) => uid).join(',')}] x\r\n`,
      )
      for (const { seq, mail } of from.attributes?.includes('\\All') ? [] : moved.reverse()) {
        from.mails.splice(from.mails.indexOf(mail), 1)
        send(socket, `* ${seq} EXPUNGE\r\n`)
      }
      return send(socket, `${tag} OK x\r\n`)
    },
  }
  const twinsOf = (mail: ScriptedMail): ScriptedMail[] =>
    mail.gmailId === undefined
      ? [mail]
      : [...mailboxes.values()].flatMap(({ mails }) => mails.filter(({ gmailId }) => gmailId === mail.gmailId))
  const noted = Object.entries(deeds).map(([name, deed]): [string, Deed] => [
    name,
    async (socket, tag, args, isUid) => {
      said.push(`${name} ${Buffer.from(args, 'latin1').toString('utf8')}`)
      await before[name]?.(args)
      return deed(socket, tag, args, isUid)
    },
  ])
  const { port, stop } = await startScriptedImap({ on: Object.fromEntries(noted) })
  return {
    port,
    mailboxes,
    said,
    put: (name, raw, gmailId) => {
      const mailbox = mailboxes.get(name)
      if (!mailbox) throw new Error(`there is no ${name}`)
      mailbox.mails.push({ uid: mailbox.uidNext++, raw, flags: new Set(), ...(gmailId ? { gmailId } : {}) })
    },
    stop,
  }
}

const fetched = (mail: ScriptedMail, items: string): string => {
  const { uid, raw, flags, gmailId } = mail
  const text = bodyOf(raw)
  const people = (name: string) => {
    const [mailbox = '', host = ''] = (header(raw, name) ?? '').split('@')
    return host ? `((NIL NIL ${quoted(mailbox)} ${quoted(host)}))` : 'NIL'
  }
  const value = (name: string) => {
    const found = header(raw, name)
    return found === null ? 'NIL' : quoted(found)
  }
  const from = people('From')
  const all: [RegExp, string][] = [
    [/\bUID\b/, `UID ${uid}`],
    [/\bFLAGS\b/, `FLAGS (${[...flags].join(' ')})`],
    [/INTERNALDATE/, 'INTERNALDATE "23-Nov-2026 10:00:00 +0000"'],
    [/RFC822\.SIZE/, `RFC822.SIZE ${raw.length}`],
    [
      /ENVELOPE/,
      `ENVELOPE (${value('Date')} ${value('Subject')} ${from} ${from} ${from} ${people('To')} NIL NIL NIL ${value('Message-ID')})`,
    ],
    [/BODYSTRUCTURE/, `BODYSTRUCTURE ("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" ${text.length} 1)`],
    [/X-GM-MSGID/, `X-GM-MSGID ${gmailId ?? uid}`],
    [/HEADER\.FIELDS/, 'BODY[HEADER.FIELDS (REFERENCES)] {2}\r\n\r\n'],
    [/BODY\.PEEK\[1\]/, `BODY[1]<0> {${text.length}}\r\n${text}`],
    [/BODY\.PEEK\[\]/, `BODY[] {${raw.length}}\r\n${raw}`],
  ]
  return all
    .filter(([asked]) => asked.test(items))
    .map(([, answer]) => answer)
    .join(' ')
}
