import { t } from '#lib/page-text.ts'

/** A mail server's own words, as plain text and only for who asks. */
export const ServerSaid = ({ text }: { text: string | null | undefined }) =>
  text && (
    <details>
      <summary>{t('serverSaid')}</summary>
      <code>{text}</code>
    </details>
  )
