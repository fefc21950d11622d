/** What the app asks for first. The page names it to the browser, so that it comes while the scripts still do. */
export const rowsPerPage = 60

export const firstRequests = (mailboxId: string | undefined): string[] => [
  '/v1/session',
  '/v1/accounts',
  ...(mailboxId ? [`/v1/mailboxes/${mailboxId}/threads?filter=all&limit=${rowsPerPage}`] : []),
]
