/** RFC 6154 special uses plus INBOX (RFC 9051 5.1). */
export const mailboxRoles = ['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash', 'all', 'flagged'] as const
