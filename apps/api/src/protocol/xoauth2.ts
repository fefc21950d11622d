/** What shows an access token to Google's and Microsoft's servers, before it is encoded. `\x01` ends a field of it as NUL does in PLAIN. */
export const xoauth2Response = (username: string, token: string): string =>
  `user=${username}\x01auth=Bearer ${token}\x01\x01`
