import type { Submission } from '@postern/shared/submissions.ts'

/** Sent, and no copy of it is where people look for one. */
export const lacksCopy = ({ state, sentCopy }: Submission): boolean => state === 'sent' && sentCopy === 'refused'

export const isLate = ({ state, toldAt }: Submission): boolean => state === 'deferred' && toldAt !== null

/** Nothing more comes of it by itself, or not for a long time. */
export const needsPerson = (submission: Submission): boolean =>
  /^(failed|partly_sent|in_doubt)$/.test(submission.state) || isLate(submission) || lacksCopy(submission)
