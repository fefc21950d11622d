/**
 * Subjects of answers and of mail that is passed on. Other programs mark both in their own language, some count: such marks
 * are taken for what they are, and never pile up.
 */
const reply = '(?:re|aw|antw|sv|vs|odp|ynt|res|rép|回复|回覆|答复|返信|vá|atb|ats|отв|απ)'
const forward = '(?:fwd?|wg|tr|vb|vl|doorst|rv|enc|i|pd|ilt|továbbítás|转发|轉寄|轉發|転送|пер|πρθ)'
const count = String.raw`(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3})?`
const replyMark = new RegExp(String.raw`^\s*${reply}${count}\s*[:：]\s*`, 'iu')
const forwardMark = new RegExp(String.raw`^\s*${forward}\s*[:：]\s*`, 'iu')
/** What a mailing list puts before. */
const listTag = /^\s*\[[^[\]]{1,60}\]\s+/u
const maxMarks = 50

const without = (mark: RegExp, subject: string): string => {
  let rest = subject
  for (let n = 0; n < maxMarks && mark.test(rest); n++) rest = rest.replace(mark, '')
  return rest
}

export const replySubject = (subject: string): string => {
  const rest = without(replyMark, subject)
  const [tag] = listTag.exec(rest) ?? []
  const bare = tag === undefined ? rest : `${tag}${without(replyMark, rest.slice(tag.length))}`
  return `Re: ${bare.trim()}`.trim()
}

export const forwardSubject = (subject: string): string => `Fwd: ${without(forwardMark, subject).trim()}`.trim()
