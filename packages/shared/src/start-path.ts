/** Rows of a list that are asked for at once. Without zod, because the browser's first script needs it. */
export const rowsPerPage = 60

/** Everything the first screen shows, in one answer; the page brings it along or names it to the browser. */
export const startPath = (mailboxId: string | undefined): string =>
  mailboxId === undefined ? '/v1/start' : `/v1/start?mailboxId=${mailboxId}`
