/** Of an account that changes its protocol, or is here by the other one. */
export const switchMessages = {
  'switch.label': 'Change of protocol',
  'switch.title': 'From {from} to {protocol}',
  'switch.offer':
    'With IMAP mail stays at the provider and all devices show the same. This account can change to it and keeps its mail, mailboxes, stars and read marks.',
  'switch.open': 'Switch to {protocol}…',
  'switch.dialog': 'Switch {address} to {protocol}',
  'switch.text':
    'Every mail keeps its place, its star and its read mark; what is here is found again at the provider, and nothing is downloaded twice. What the provider no longer has is brought back there, into the same mailboxes.',
  'switch.allThere': 'All mail that is here was listed there at the last look.',
  'switch.toBring': 'Not listed there at the last look, and to be brought unless it is found: {n} ({size}).',
  'switch.wins':
    'Read marks, stars and mailboxes at the provider become what they are here: what another program has read there, and is unread here, is unread again.',
  'switch.passwordMissing': 'is needed to sign in at that server',
  'switch.deletedHere':
    'Mail that was deleted for good only here, and is still at the provider, shows in the inbox again.',
  'switch.passwordHint': 'It is tried before anything changes.',
  'switch.submit': 'Switch to {protocol}',
  'switch.running': 'Finding the mails again at the provider; {n} to go. Everything can be used meanwhile.',
  'switch.left': '{n} could not be brought to the provider; they stay readable here, and are tried again each day.',
  'switch.counts': 'found again: {found} · brought there: {brought}',
  'switch.last': 'The last change, {date}: {text}',
  'switch.refused': 'The change to {protocol} was refused, and nothing was changed.',
  'switch.done': 'Done. This account speaks {protocol} now, with everything as it was.',
  'home.offer':
    'POP3 keeps mailboxes, stars and read marks here only; what becomes of mail at the provider is your choice.',
  'home.text': 'Every mail keeps its place, its star and its read mark; nothing in the inbox is downloaded again.',
  'home.toFetch': 'Mails outside the inbox are fetched whole first, as POP3 does not reach them: {n} ({size}).',
  'home.inboxToo':
    'If POP3 turns out to show less than the inbox has, that is fetched whole too, so that no text stays behind.',
  'home.policy': 'Everything stays at the provider until you choose otherwise on the page of the account.',
  'home.mailboxes': 'Its other mailboxes stay there as they are, but are no longer followed here.',
  'home.leftOut': 'These mailboxes are not synced; they stay at the provider and are left out here: {paths}',
  'home.counts': 'brought here whole: {brought} · found again: {found}',
  'home.running': 'Fetching what POP3 does not reach; {n} to go. Everything can be used meanwhile.',
  'home.meeting': 'Finding the mails of the inbox again in the maildrop; {n} to go.',
  'home.cancel': 'Stay with IMAP',
  'exists.switch': 'Switch that account to IMAP',
  'exists.open': 'Open that account',
  'exists.connect': 'Take up that account again…',
  'exists.beside': 'Add it all the same',
  'exists.besideMeans': 'Added all the same, its mail is downloaded again and shown twice: once in each account.',
  'exists.besideMaildrop':
    'Added all the same, both look at one maildrop: what one of them removes at the provider never comes to the other.',
  'exists.besideEmpty':
    'Added all the same, it begins empty: what the disconnected account holds stays out of sight, in Settings under Accounts.',
  'settings.disconnected': 'Disconnected accounts',
  'disconnected.text': 'Nobody looks after them, and their mail is kept here unseen.',
  'disconnected.holds': '{n} mails ({size}), disconnected {date}',
  'disconnected.open': 'Connect again or erase…',
  'disconnected.openOf': 'Connect again or erase {name}…',
  'connect.title': 'Connect again',
  'connect.kept':
    'Disconnected {date}. {n} mails ({size}) are kept here unseen; connected again, the account shows them as they were.',
  'connect.by': 'Protocol',
  'connect.asBefore': 'POP3, as before',
  'connect.byImap': 'IMAP, keeping everything',
  'connect.submit': 'Connect again',
  'connect.erase': 'Erase …',
  'connect.eraseTitle': 'Erase {address}?',
  'connect.eraseText': 'Erased for good: {n} mails ({size}) that are kept here. Nothing is deleted at the mail server.',
} as const
