/** Of the relay: how its owner sets it, and what it means for whoever sends by it. */
export const relayMessages = {
  'settings.relay': 'Relay',
  'relay.title': 'A server that sends for accounts without one',
  'relay.text':
    'Everybody here may choose it for an account. They see that there is one and for which domains, not where it is.',
  'relay.trust': 'Whoever uses it can write as any address it carries: invite only people you trust with that.',
  'relay.failed': 'The relay could not be loaded.',
  'relay.use': 'Accounts that send by it: {accounts}. Mails that are to go by it: {waiting}.',
  'relay.refuses': 'It lets nobody in, and all mail that is to go by it waits.',
  'relay.password': 'Password',
  'relay.domains': 'Domains it may speak for',
  'relay.domainsHint':
    'One a line. Their SPF names this server, or it signs for them (DKIM): mail from them is taken for genuine.',
  'relay.others': 'Mail from other domains',
  'relay.othersWarned': 'Is carried; whoever sends it is warned',
  'relay.othersRefused': 'Is refused',
  'relay.recipients': 'Recipients of one mail, at most',
  'relay.hourly': 'Mails of one person in an hour, at most',
  'relay.hourlyHint': 'What is more waits, and goes by itself.',
  'relay.noLimit': 'no limit',
  'relay.number': 'The number',
  'relay.notWhole': 'must be at least 1, without decimals; empty means no limit',
  'relay.remove': 'Take it away …',
  'relay.removeTitle': 'Take the relay away?',
  'relay.removeText':
    'Accounts that send by it cannot send until there is one again, or they have a server of their own. What is on its way waits.',
  'relay.removeDo': 'Take it away',
  'relay.removed': 'The relay is taken away.',
  'way.legend': 'How mail goes out',
  'way.own': 'By a server of its own',
  'way.relay': 'By the owner’s relay',
  'way.none': 'Not at all',
  'way.nothing': 'Mail of this account can then be read here, but neither written nor answered.',
  'way.proposed': 'This account cannot send yet; the owner’s relay could carry its mail.',
  'way.meaning':
    'Mail goes out by a server that the owner of this Postern has set. Receivers ask the domain of the sender (SPF, DKIM) whether that server may send for it.',
  'way.unaligned':
    'The owner has not named {domains}: mail from there may be taken for forged, and land among spam or nowhere.',
  'way.notCarried': 'It does not carry mail from {domains}, only from {named}.',
  'way.gone': 'The owner has taken the relay away: what is to be sent waits until there is one again.',
} as const
