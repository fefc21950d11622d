import type { z } from 'zod'
import * as accounts from './accounts.ts'
import * as changes from './changes.ts'
import * as commands from './commands.ts'
import * as mailboxes from './mailboxes.ts'
import * as messages from './messages.ts'
import { draftOperations } from './rest-drafts.ts'
import { relayOperations } from './rest-relay.ts'
import { reportOperations } from './rest-reports.ts'
import { sessionOperations } from './rest-sessions.ts'
import { submissionOperations } from './rest-submissions.ts'
import { templateOperations } from './rest-templates.ts'
import { transferOperations } from './rest-transfers.ts'
import * as retrieval from './retrieval.ts'
import * as search from './search.ts'
import { okBody } from './wire.ts'

/**
 * Every REST operation, once: the API registers its routes from this table and the web app calls by it.
 * `access`: `public` needs no session, `user` a signed-in person, `owner` the owner of the installation.
 * What the reference says beyond it (errors, remarks): rest-reference.ts.
 * `answer`: `json` (the default), `empty` (204), `bytes` (a stream), `lines` (one JSON value a line, as they happen).
 */
export type RestOperation = {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  path: string
  access: 'public' | 'user' | 'owner'
  summary: string
  query?: z.ZodType
  body?: z.ZodType
  response?: z.ZodType
  answer?: 'json' | 'empty' | 'bytes' | 'lines'
  /** Content types of a body that is read as it comes. */
  content?: readonly string[]
  /** Of a JSON body that may be larger than most are. */
  maxBodyBytes?: number
}

export const rest = {
  ...sessionOperations,

  // accounts
  discover: {
    method: 'POST',
    path: '/v1/discovery',
    access: 'user',
    summary: 'Find server settings for an address',
    body: accounts.discoveryRequest,
    response: accounts.discoveryResult,
  },
  checkAccount: {
    method: 'POST',
    path: '/v1/account-checks',
    access: 'user',
    summary: 'Try the settings step by step; one CheckEvent a line',
    body: accounts.accountCreate,
    answer: 'lines',
    response: accounts.checkEvent,
  },
  listAccounts: {
    method: 'GET',
    path: '/v1/accounts',
    access: 'user',
    summary: 'Own accounts',
    response: accounts.accountList,
  },
  createAccount: {
    method: 'POST',
    path: '/v1/accounts',
    access: 'user',
    summary: 'Add an account; the login is tried first',
    body: accounts.accountCreate,
    response: accounts.account,
  },
  getAccount: {
    method: 'GET',
    path: '/v1/accounts/:accountId',
    access: 'user',
    summary: 'One account',
    response: accounts.account,
  },
  patchAccount: {
    method: 'PATCH',
    path: '/v1/accounts/:accountId',
    access: 'user',
    summary: 'Edit, pause or resume',
    body: accounts.accountPatch,
    response: accounts.account,
  },
  switchAccount: {
    method: 'POST',
    path: '/v1/accounts/:accountId/switch',
    access: 'user',
    summary: 'Change an account to the other protocol; it keeps ids, flags, tags and mailboxes',
    body: accounts.accountSwitch,
    response: accounts.account,
  },
  planSwitch: {
    method: 'GET',
    path: '/v1/accounts/:accountId/switch',
    access: 'user',
    summary: 'What a change of its protocol would mean for an account',
    response: accounts.accountSwitchPlan,
  },
  cancelSwitch: {
    method: 'DELETE',
    path: '/v1/accounts/:accountId/switch',
    access: 'user',
    summary: 'Stay with IMAP, as long as the account is still that',
    response: accounts.account,
  },
  orderAccounts: {
    method: 'PUT',
    path: '/v1/account-order',
    access: 'user',
    summary: 'Reorder accounts',
    body: accounts.accountOrder,
    response: accounts.accountList,
  },
  removeAccount: {
    method: 'DELETE',
    path: '/v1/accounts/:accountId',
    access: 'user',
    summary: 'Disconnect (kept, re-adding rejoins) or erase',
    query: accounts.accountRemoval,
    answer: 'empty',
  },
  listDisconnected: {
    method: 'GET',
    path: '/v1/disconnected-accounts',
    access: 'user',
    summary: 'Own accounts that are disconnected, with what is kept of them',
    response: accounts.disconnectedAccountList,
  },
  connectAccount: {
    method: 'POST',
    path: '/v1/disconnected-accounts/:accountId/connect',
    access: 'user',
    summary: 'Take up a disconnected account again, with everything it holds',
    body: accounts.accountSwitch,
    response: accounts.account,
  },
  eraseDisconnected: {
    method: 'DELETE',
    path: '/v1/disconnected-accounts/:accountId',
    access: 'user',
    summary: 'Erase a disconnected account',
    answer: 'empty',
  },
  syncAccount: {
    method: 'POST',
    path: '/v1/accounts/:accountId/sync',
    access: 'user',
    summary: 'Sync now',
    response: accounts.syncReply,
  },
  getSync: {
    method: 'GET',
    path: '/v1/accounts/:accountId/syncs/:syncId',
    access: 'user',
    summary: 'How a sync that was asked for ended',
    response: accounts.syncReply,
  },
  resyncAccount: {
    method: 'POST',
    path: '/v1/accounts/:accountId/resync',
    access: 'user',
    summary: 'Compare everything with the server again',
    response: accounts.syncReply,
  },
  planRemoval: {
    method: 'POST',
    path: '/v1/accounts/:accountId/removal-plan',
    access: 'user',
    summary: 'How many mails a policy would remove at the provider now',
    body: retrieval.removalQuestion,
    response: retrieval.removalPlan,
  },
  removeCopies: {
    method: 'POST',
    path: '/v1/accounts/:accountId/copies/remove',
    access: 'user',
    summary: 'Remove at the provider what came again and is here already',
    response: retrieval.copiesRemoval,
  },
  fetchRests: {
    method: 'POST',
    path: '/v1/accounts/:accountId/rests/fetch',
    access: 'user',
    summary: 'Fetch the rest of all mails that fit into the size limit now, or of those above it too',
    body: retrieval.restsQuestion,
    response: retrieval.restsWanted,
  },
  listSyncEvents: {
    method: 'GET',
    path: '/v1/accounts/:accountId/events',
    access: 'user',
    summary: 'Health timeline, newest first',
    response: accounts.syncEventList,
  },

  // mailboxes, conversations, messages
  listMailboxes: {
    method: 'GET',
    path: '/v1/accounts/:accountId/mailboxes',
    access: 'user',
    summary: 'The mailbox tree',
    response: mailboxes.mailboxList,
  },
  createMailbox: {
    method: 'POST',
    path: '/v1/accounts/:accountId/mailboxes',
    access: 'user',
    summary: 'Make a mailbox of one’s own',
    body: mailboxes.newMailbox,
    response: mailboxes.mailbox,
  },
  patchMailbox: {
    method: 'PATCH',
    path: '/v1/mailboxes/:mailboxId',
    access: 'user',
    summary: 'Rename or move it, re-map the role, include or exclude from sync, watch',
    body: mailboxes.mailboxPatch,
    response: mailboxes.mailbox,
  },
  removeMailbox: {
    method: 'DELETE',
    path: '/v1/mailboxes/:mailboxId',
    access: 'user',
    summary: 'Remove a mailbox and all below it; what they hold goes to Trash',
    query: mailboxes.mailboxRemoval,
    answer: 'empty',
  },
  restoreMailbox: {
    method: 'POST',
    path: '/v1/mailboxes/:mailboxId/restore',
    access: 'user',
    summary: 'Bring a removed mailbox back, with what it held and is still in Trash',
    response: mailboxes.mailbox,
  },
  listThreads: {
    method: 'GET',
    path: '/v1/mailboxes/:mailboxId/threads',
    access: 'user',
    summary: 'Conversations of a mailbox, newest first',
    query: messages.threadListQuery,
    response: messages.threadList,
  },
  listHiddenMessages: {
    method: 'GET',
    path: '/v1/mailboxes/:mailboxId/deleted',
    access: 'user',
    summary: 'Messages other programs marked deleted here',
    query: messages.threadListQuery,
    response: messages.threadList,
  },
  getThread: {
    method: 'GET',
    path: '/v1/threads/:threadId',
    access: 'user',
    summary: 'A conversation with its messages, oldest first',
    response: messages.thread,
  },
  getMessageBody: {
    method: 'GET',
    path: '/v1/messages/:messageId/body',
    access: 'user',
    summary: 'Text, HTML and parts; fetched from the server when not here',
    response: messages.messageBody,
  },
  fetchRest: {
    method: 'POST',
    path: '/v1/messages/:messageId/rest',
    access: 'user',
    summary: 'Fetch the rest of a mail of which only the header is here',
    response: okBody,
  },
  getMessageHeaders: {
    method: 'GET',
    path: '/v1/messages/:messageId/headers',
    access: 'user',
    summary: 'All headers as received',
    response: messages.rawHeaders,
  },
  getMessageSource: {
    method: 'GET',
    path: '/v1/messages/:messageId/source',
    access: 'user',
    summary: 'The raw message (.eml)',
    answer: 'bytes',
  },
  getPart: {
    method: 'GET',
    path: '/v1/messages/:messageId/parts/:partId',
    access: 'user',
    summary: 'Download an attachment',
    answer: 'bytes',
  },
  getPartPreview: {
    method: 'GET',
    path: '/v1/messages/:messageId/parts/:partId/preview',
    access: 'user',
    summary: 'An image, PDF or text part for the app to draw',
    answer: 'bytes',
  },
  createRemoteImageLinks: {
    method: 'POST',
    path: '/v1/messages/:messageId/remote-images',
    access: 'user',
    summary: 'Signed proxy addresses for remote images',
    body: messages.remoteImageRequest,
    response: messages.remoteImageLinks,
  },
  getRemoteImage: {
    method: 'GET',
    path: '/v1/remote-image',
    access: 'user',
    summary: 'A remote image through the proxy',
    query: messages.remoteImageQuery,
    answer: 'bytes',
  },
  trustSender: {
    method: 'PUT',
    path: '/v1/trusted-senders',
    access: 'user',
    summary: 'Always load remote content of this sender',
    body: messages.trustedSender,
    response: okBody,
  },
  distrustSender: {
    method: 'DELETE',
    path: '/v1/trusted-senders',
    access: 'user',
    summary: 'Ask again for this sender',
    query: messages.trustedSender,
    answer: 'empty',
  },
  search: {
    method: 'GET',
    path: '/v1/search',
    access: 'user',
    summary: 'Find messages in all accounts, newest first',
    query: search.searchQuery,
    response: search.searchResult,
  },

  ...transferOperations,
  ...draftOperations,
  ...templateOperations,
  ...submissionOperations,
  ...relayOperations,
  ...reportOperations,

  // intents and changes
  runCommand: {
    method: 'POST',
    path: '/v1/commands',
    access: 'user',
    summary: 'Change mail: flags, move, delete',
    body: commands.commandRequest,
    response: commands.command,
  },
  undoCommand: {
    method: 'POST',
    path: '/v1/commands/:commandId/undo',
    access: 'user',
    summary: 'Take a command back',
    body: commands.undoRequest,
    response: commands.command,
  },
  getCommand: {
    method: 'GET',
    path: '/v1/commands/:commandId',
    access: 'user',
    summary: 'How far a command is',
    response: commands.command,
  },
  listChanges: {
    method: 'GET',
    path: '/v1/changes',
    access: 'user',
    summary: 'The change log of a stream after a sequence number',
    query: changes.changesQuery,
    response: changes.changesReply,
  },
} as const satisfies Record<string, RestOperation>

export type RestName = keyof typeof rest
