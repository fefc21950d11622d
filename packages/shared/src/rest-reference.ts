import type { ErrorCode } from './error-codes.ts'
import type { RestName } from './rest.ts'

/** What the reference says of an operation beyond the table of rest.ts. */
export type OperationNotes = {
  description?: string
  /** Beyond what every operation of its kind may answer: see `codesOf` in the API's openapi.ts. */
  errors?: ErrorCode[]
  /** Content types of a `bytes` answer. */
  mediaTypes?: string[]
  /** When there are none: 204. */
  nothing?: string
}

const reachingServer = [
  'account.address_denied',
  'connect.dns',
  'connect.refused',
  'connect.unreachable',
  'connect.timeout',
  'connect.closed',
  'connect.limit',
  'connect.throttled',
  'connect.protocol',
  'tls.name',
  'tls.expired',
  'tls.untrusted',
  'tls.pin_changed',
  'tls.handshake',
  'tls.starttls_missing',
] satisfies ErrorCode[]
const loggingIn = [
  'login.failed',
  'login.app_password',
  'login.no_passwords',
  'login.method',
  'login.unavailable',
  'mailbox.refused',
] satisfies ErrorCode[]
const fetchingMail = [
  'message.gone',
  'message.unavailable',
  'message.too_large',
  'message.unparsable',
  // To ask for it writes a line.
  'storage.full',
] satisfies ErrorCode[]
/** The master key is not the one that sealed what is stored. */
const openingSecrets = ['config.invalid'] satisfies ErrorCode[]
const changingMail = [
  'request.conflict',
  'not_found',
  'mailbox.missing',
  'mailbox.read_only',
  'mailbox.no_permission',
] satisfies ErrorCode[]

const ownMailboxes =
  'Special mailboxes keep their name and place. Never two of one name beside each other. Of an IMAP account the answer comes when the mail server has done it, with its reason when it has not.'
const changingTree = [
  'request.conflict',
  'account.not_ready',
  'mailbox.missing',
  'mailbox.no_permission',
  'mailbox.read_only',
  'mailbox.over_quota',
  'mailbox.refused',
  'mailbox.unavailable',
] satisfies ErrorCode[]
const switchingProtocol = [
  'account.plaintext_denied',
  'account.exists',
  'account.not_ready',
  'request.conflict',
  'mailbox.in_use',
  'mailbox.unavailable',
  'mailbox.missing',
  'mailbox.refused',
  'mailbox.no_permission',
  ...openingSecrets,
  ...reachingServer,
  ...loggingIn,
] satisfies ErrorCode[]
const setsCookie = 'Sets the session cookie.'

export const restNotes: Partial<Record<RestName, OperationNotes>> = {
  createOwner: {
    description: `Postern prints the code when it starts without an owner. ${setsCookie}`,
    errors: ['auth.setup_code', 'auth.setup_done', 'auth.weak_password', 'request.conflict'],
  },
  signIn: { description: setsCookie, errors: ['auth.failed', 'request.too_many'] },
  changePassword: { description: setsCookie, errors: ['auth.failed', 'auth.weak_password', 'request.too_many'] },
  removeUser: {
    description: 'Their sessions end at once; their data is erased soon after. The mail servers lose nothing.',
    errors: ['request.conflict'],
  },
  acceptInvitation: {
    description: `The token is what follows \`#token=\` in the link. ${setsCookie}`,
    errors: ['auth.invitation', 'auth.weak_password', 'request.conflict'],
  },
  checkAccount: {
    description:
      'Answers as it goes, one CheckEvent a line; the last has the kind `done`. What goes wrong at the mail server is a line, not an error.',
    errors: ['account.plaintext_denied'],
  },
  createAccount: {
    description:
      'A mailbox that is here already, by the other protocol or as the same maildrop, or that a disconnected account holds, is account.exists with the id of that account; `beside` adds it all the same.',
    errors: [
      'account.plaintext_denied',
      'relay.missing',
      'account.exists',
      'mailbox.in_use',
      'mailbox.unavailable',
      ...reachingServer,
      ...loggingIn,
    ],
  },
  patchAccount: {
    description:
      'Other servers or passwords are tried first. A stored password is never sent to a server it was not entered for. What is not given of `retrieval` stays; the next look comes at once.',
    errors: [
      'account.plaintext_denied',
      'account.password_needed',
      'relay.missing',
      ...openingSecrets,
      ...reachingServer,
      ...loggingIn,
    ],
  },
  switchAccount: {
    description:
      'The new server is signed in to first. Where that opens another mailbox (most of the newest mails at the provider are not in both), nothing changes and request.conflict says so. To IMAP: the server gets what mailboxes it lacks; afterwards mails are found again there as they are here, and what it lacks is brought there. To POP3: what lies outside the inbox (and, where the maildrop shows less, in it) is fetched whole first, while the account is still IMAP; then it changes, and the first look finds the mails of the inbox again. `switching` of the account tells how far that is.',
    errors: switchingProtocol,
  },
  connectAccount: {
    description:
      'The server is signed in to first. By the protocol of the account it goes on where it stopped. A POP3 account may be taken up by IMAP, which is `switchAccount` with it. An IMAP account is taken up by IMAP only.',
    errors: switchingProtocol,
  },
  eraseDisconnected: { description: 'What is erased goes soon after. The mail server loses nothing.' },
  planSwitch: { errors: ['request.conflict'] },
  cancelSwitch: {
    description: 'Mails that were fetched whole by then stay whole.',
    errors: ['request.conflict'],
  },
  createMailbox: { description: ownMailboxes, errors: changingTree },
  patchMailbox: { description: `Names and places: ${ownMailboxes}`, errors: changingTree },
  removeMailbox: {
    description: `${ownMailboxes} At an IMAP server it goes below Trash itself, with all it holds. \`restoreMailbox\` brings it back: for 30 days, at a server as long as it lies there.`,
    errors: changingTree,
  },
  restoreMailbox: {
    description: 'It keeps its id. Where its parent is gone it comes to the top of the tree.',
    errors: changingTree,
  },
  removeAccount: { description: 'What is erased goes soon after. The mail server loses nothing either way.' },
  syncAccount: {
    description:
      'Answers at once; `getSync` says what came of it. Of a POP3 account it ends with the next look that begins; of an IMAP account, which is watched all the time, as soon as that is heard.',
    errors: ['account.not_ready'],
  },
  getSync: { description: 'Known for an hour after its end.' },
  resyncAccount: { errors: ['account.not_ready'] },
  planRemoval: {
    description:
      'Of a POP3 account: by what the last look listed, as if there were no hold. Changes nothing, and asks no mail server.',
  },
  removeCopies: {
    description:
      'Of a POP3 account. The next look removes each of them whose stored octets, read anew, are the same; others stay.',
  },
  fetchRests: {
    description:
      'Of a POP3 account, of which only the header of larger mails is here. They come with the next look; `maildrop` of the account tells how far that is, and a `bodies` change tells of each.',
  },
  listNotes: {
    description:
      'Bounces, reports of delivery (RFC 3464) and receipts (RFC 8098) in it, or about a mail in it. Anybody can write one: what it names counts as `about` only when it was sent from this account. A `notes` change tells of new ones.',
  },
  answerReceipt: {
    description:
      'Once: whoever asks again, from any device, changes nothing. The receipt (RFC 8098) goes out as a submission with an empty envelope sender. $MDNSent is set where the mail server keeps keywords.',
    errors: ['request.conflict', 'account.not_ready', ...changingMail],
  },
  getListExit: {
    description:
      "Reads the whole mail and looks up the key of its signature: one click (RFC 8058) counts only under a valid DKIM signature of the sender's own domain that covers both of its fields.",
    errors: ['request.conflict', 'account.not_ready', ...fetchingMail],
  },
  leaveList: {
    description:
      '`target` is the host, or the address, that getListExit named. A mail goes out as a submission; an address on the web is asked once, without redirects.',
    errors: [
      'request.conflict',
      'account.not_ready',
      'remote_content.refused',
      'remote_content.unavailable',
      ...reachingServer,
      ...fetchingMail,
    ],
  },
  listThreads: { description: 'Pages go on `after` the cursor in `next`; `position` jumps.' },
  getThread: { description: 'One that a mail has joined with another is answered as that one, with its id.' },
  getMessageBody: { errors: fetchingMail },
  fetchRest: {
    description:
      'Of a POP3 account with a size limit. The next look fetches it whatever the limit is; a `bodies` change tells that it can be read. It keeps its id.',
    errors: ['message.gone', 'message.too_large'],
  },
  getMessageHeaders: { description: 'In their order, unfolded, encoded words decoded.', errors: fetchingMail },
  getMessageSource: { errors: fetchingMail, mediaTypes: ['message/rfc822'] },
  getPart: { errors: fetchingMail, mediaTypes: ['application/octet-stream'] },
  getPartPreview: {
    errors: fetchingMail,
    mediaTypes: ['image/*', 'text/plain', 'application/octet-stream'],
    nothing: 'It is not the image it says it is.',
  },
  getRemoteImage: {
    description: 'At the addresses that createRemoteImageLinks made, and no others.',
    errors: ['remote_content.refused', 'remote_content.unavailable', ...reachingServer],
    mediaTypes: ['image/*'],
  },
  createImport: {
    description: 'Its content follows, file by file; mails are put into the mailbox while others still come.',
    errors: ['mailbox.read_only', 'mailbox.no_permission'],
  },
  createUpload: {
    description: 'With flags and dates, each mail once. Nothing is removed here.',
    errors: ['mailbox.read_only', 'mailbox.no_permission', 'request.conflict'],
  },
  sendTransferContent: {
    description:
      'A whole file, as it is: an mbox, or one mail. Sent again after an interruption nothing is stored twice: mails are told apart by their octets.',
    errors: ['import.no_mail', 'import.no_header', 'message.too_large', 'request.conflict'],
  },
  dismissTransfers: { description: 'On all devices. What has not ended stays.' },
  finishTransfer: { errors: ['request.conflict'] },
  createIdentity: { description: 'The address may be an alias; whether the server lets it send, only sending tells.' },
  removeIdentity: { errors: ['request.conflict'] },
  startDraft: {
    description:
      'Asked again with the same id it answers the same draft. `continue` of the copy of a draft answers that draft, which has another id. `writeAgain` takes what was sent, and of its recipients those whom it did not reach. What is attached out of the message comes behind the answer: see `state` of an attachment.',
    errors: ['request.conflict', 'not_found', 'account.not_ready', ...fetchingMail],
  },
  getDraft: { errors: ['request.conflict'] },
  saveDraft: {
    description:
      'Upon the version that it was made from; equal content makes no new version. A draft that was discarded is one again.',
    errors: ['request.conflict'],
  },
  discardDraft: {
    description:
      'It can be brought back for a day. With a `version` nothing is discarded that somebody wrote after that one.',
    errors: ['request.conflict'],
  },
  restoreDraft: { errors: ['request.conflict'] },
  addAttachment: {
    description: 'Repeating a request with the same id is harmless.',
    errors: ['message.too_large', 'request.too_large', 'request.conflict'],
  },
  addAttachmentFromMail: {
    description: 'Answers when it is here.',
    errors: ['request.too_large', 'request.conflict', ...fetchingMail],
  },
  removeAttachment: { errors: ['request.conflict'] },
  restoreAttachment: { errors: ['request.conflict'] },
  getAttachment: {
    description: 'A picture within the HTML comes as a picture, everything else to be saved.',
    errors: ['message.unavailable', 'storage.full'],
    mediaTypes: ['application/octet-stream', 'image/*'],
  },
  saveTemplate: {
    description:
      'Upon the version that it was made from; equal content makes no new version, so that repeating a request is harmless. One that was removed is there again.',
    errors: ['request.conflict'],
  },
  removeTemplate: { description: 'It can be brought back for a day.' },
  listCorrespondents: {
    description:
      'Learned from what was sent and read, in all accounts, a few minutes later; recent mail counts more than old. No senders of lists or machines, unless they were written to.',
  },
  runCommand: {
    description: 'The effect shows at once; the mail server follows. Repeating a request with the same id is harmless.',
    errors: changingMail,
  },
  undoCommand: { errors: changingMail },
  listChanges: {
    description: 'What the socket pushes, for clients that ask. `isReset`: too old, load everything again.',
    errors: ['not_found'],
  },
  getRelayOffer: { description: 'Where it is, and with which login, only its owner sees.' },
  checkRelay: {
    description: 'Answers as `checkAccount` does, with the steps of the outgoing server alone.',
    errors: ['account.plaintext_denied'],
  },
  putRelay: {
    description:
      'Another server or password is tried first. The stored password is never sent to a server it was not entered for. Mail that waits for it goes at once.',
    errors: ['account.plaintext_denied', 'account.password_needed', ...reachingServer, ...loggingIn],
  },
  removeRelay: {
    description: 'Mail that was to go by it waits until there is one again, or its account has a server of its own.',
  },
  createSubmission: {
    description:
      'What is sent is checked before it is accepted; `fields` of request.invalid name what is not right. Accepted, it is durable, and sent once: the same id, asked for again, is the same mail; for anything else it is request.conflict, and so is a draft that has another version by now. Of the sender a copy is kept in Sent, the mail it answers is marked, and the draft is gone, once it was sent.',
    errors: ['not_found', 'request.conflict', ...fetchingMail],
  },
  getSubmissionMail: {
    description:
      'As long as it is in the outbox. Once it was sent its copy in Sent is to be read; taken back, its draft.',
    errors: ['message.gone'],
  },
  patchSubmission: { errors: ['request.conflict'] },
  cancelSubmission: {
    description: 'Also of one that failed: its draft is there again. What has left for somebody cannot be taken back.',
    errors: ['request.conflict'],
  },
  retrySubmission: {
    description: 'To those alone who have not got it.',
    errors: ['request.conflict'],
  },
  decideSubmission: {
    description: 'Nobody but its person ends a doubt: sent again, it may arrive twice.',
    errors: ['request.conflict'],
  },
  dismissSubmission: {
    description: 'The draft of one that failed is there again.',
    errors: ['request.conflict'],
  },
}
