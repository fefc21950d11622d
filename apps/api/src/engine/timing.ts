/**
 * Every wait of the engine that somebody could notice, in milliseconds. Tests pass shorter ones and run the same code;
 * timing.test.ts holds these to what is promised.
 */
export type EngineTiming = {
  /** Silence after which a peer that owes an answer counts as gone. */
  silenceMs: number
  /** An IDLE is renewed this often, so that a peer that stalls in it comes to owe one. */
  idleRenewMs: number
  /** Every mailbox is looked at this often while somebody is there: changes show within a minute. */
  treeEveryMs: number
  /** The same when nobody is, for the cache's sake. */
  unwatchedTreeEveryMs: number
  /** Every UID and flag is compared this often, whatever the change counters say. */
  compareEveryMs: number
  /** A refused password that worked before is tried again after this. */
  passwordRetryMs: number
  backoff: { baseMs: number; capMs: number }
  /** For a provider that asks us to slow down: its limits are counted by the hour. */
  throttled: { baseMs: number; capMs: number }
  /** Another program has the maildrop open: it is asked again no sooner than after the first of these. */
  inUse: { baseMs: number; capMs: number }
  /** A mail that was deleted for good here, or that goes once it is here, goes at the provider so soon: many in a row need one look. */
  removalLookMs: number
  /** After a change to POP3 some servers list the mails in several looks: the next one comes so soon. */
  meetingLookMs: number
  /** After this long one more connection is tried again at a provider that once allowed no more. */
  connectionGrowMs: number
  /** While bulk work holds the main session, its inbox is looked at this often. */
  inboxLookMs: number
  /** Open mailboxes for which there is no connection take turns of this length on the one that people's requests have. */
  focusTurnMs: number
  /** A submission server is given so long for the connection, and again for its encryption. */
  submissionConnectMs: number
  /** A submission server is given so long for an answer, above all for the one to the end of a mail. RFC 5321 4.5.3.2. */
  submissionAnswerMs: number
  /** Somebody who writes one mail writes another: a session stays open for so long. */
  submissionKeepMs: number
  /** The login for sending was refused: nothing is sent for so long, unless the account is edited. */
  sendingParkMs: number
}

export const engineTiming: EngineTiming = {
  silenceMs: 45_000,
  idleRenewMs: 40_000,
  treeEveryMs: 50_000,
  unwatchedTreeEveryMs: 5 * 60_000,
  compareEveryMs: 24 * 3_600_000,
  passwordRetryMs: 15 * 60_000,
  backoff: { baseMs: 1000, capMs: 5 * 60_000 },
  throttled: { baseMs: 60_000, capMs: 2 * 3_600_000 },
  inUse: { baseMs: 60_000, capMs: 10 * 60_000 },
  removalLookMs: 10_000,
  meetingLookMs: 10_000,
  connectionGrowMs: 3_600_000,
  inboxLookMs: 2000,
  focusTurnMs: 3000,
  submissionConnectMs: 15_000,
  submissionAnswerMs: 10 * 60_000,
  submissionKeepMs: 15_000,
  sendingParkMs: 3_600_000,
}
