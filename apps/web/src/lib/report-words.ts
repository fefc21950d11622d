/** What a status of a delivery report means to whoever wrote the mail; null when its code says nothing to them. RFC 3463 3. */
export const whyNot = (
  status: string | null,
): 'noMailbox' | 'noDomain' | 'full' | 'closed' | 'tooLarge' | 'unreachable' | 'refused' | 'tooOld' | null => {
  const [, subject, detail] = /^[245]\.(\d{1,3})\.(\d{1,3})$/.exec(status ?? '') ?? []
  switch (`${subject}.${detail}`) {
    case '1.1':
    case '1.3':
    case '1.6':
    case '1.10':
      return 'noMailbox'
    case '1.2':
    case '4.4':
      return 'noDomain'
    case '2.1':
      return 'closed'
    case '2.2':
      return 'full'
    case '2.3':
    case '3.4':
      return 'tooLarge'
    case '4.1':
    case '4.2':
    case '4.3':
      return 'unreachable'
    case '4.7':
      return 'tooOld'
    default:
      return subject === '7' ? 'refused' : null
  }
}
