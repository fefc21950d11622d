/** Of an account that changes its protocol, or is here by the other one. */
export const switchMessages = {
  'switch.label': 'Change of protocol',
  'switch.title': 'From {from} to {protocol}',
  'switch.offer':
    'With IMAP mail stays at the provider and all devices show the same. This account can change to it and keeps its mail, tags and folders.',
  'switch.open': 'Switch to {protocol}…',
  'switch.dialog': 'Switch {address} to {protocol}',
  'switch.text':
    'Every mail keeps its place, its marks and its tags; what is here is found again at the provider, and nothing is downloaded twice. What the provider no longer has is brought back there, into the same folders.',
  'switch.wins':
    'Read marks, stars and folders at the provider become what they are here: what another program has read there, and is unread here, is unread again.',
  'switch.passwordHint': 'It is tried before anything changes.',
  'switch.submit': 'Switch to {protocol}',
  'switch.running': 'Finding the mails again at the provider; {n} to go. Everything can be used meanwhile.',
  'switch.left': '{n} could not be brought to the provider; they stay readable here, and are tried again each day.',
  'switch.counts': 'found again: {found} · brought there: {brought}',
  'switch.last': 'The last change, {date}: {text}',
  'switch.done': 'Done. This account speaks {protocol} now, with everything as it was.',
  'home.offer': 'POP3 keeps folders and marks here only; what becomes of mail at the provider is your choice.',
  'home.text': 'Every mail keeps its place, its marks and its tags; nothing in the inbox is downloaded again.',
  'home.toFetch': 'Mails outside the inbox are fetched whole first, as POP3 does not reach them: {n} ({size}).',
  'home.inboxToo':
    'If POP3 turns out to show less than the inbox has, that is fetched whole too, so that no text stays behind.',
  'home.folders': 'Folders at the provider stay there as they are, but are no longer followed here.',
  'home.leftOut': 'These mailboxes are not synced; they stay at the provider and are left out here: {paths}',
  'home.counts': 'brought here whole: {brought} · found again: {found}',
  'home.running': 'Fetching what POP3 does not reach; {n} to go. Everything can be used meanwhile.',
  'home.meeting': 'Finding the mails of the inbox again in the maildrop; {n} to go.',
  'home.cancel': 'Stay with IMAP',
  'exists.switch': 'Switch that account to IMAP',
  'exists.open': 'Open that account',
  'exists.beside': 'Add it all the same',
  'exists.besideMeans': 'Added all the same, its mail is downloaded again and shown twice: once in each account.',
} as const
