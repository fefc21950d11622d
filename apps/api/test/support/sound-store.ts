import type { Store } from '#store/open-store.ts'

/**
 * No ghosts: what is shown, counted and logged follows from what is stored; a mail that has two places in a mailbox counts as
 * one. Answers what does not follow, and how often.
 */
export const findUnsound = async (store: Store): Promise<[string, number][]> => {
  const [found] = await store.prisma.$queryRaw<Record<string, number>[]>`
    SELECT (SELECT count(*)::int FROM placement WHERE shown_mailbox_id IS DISTINCT FROM mailbox_id OR shown_flags <> flags OR uid IS NULL) AS "shown otherwise",
      (SELECT count(*)::int FROM command_target WHERE state = 'pending') AS "open targets",
      (SELECT count(*)::int FROM command WHERE state NOT IN ('done', 'undone')) AS "open or failed commands",
      (SELECT count(*)::int FROM mailbox b WHERE messages <> (SELECT count(DISTINCT message_id) FROM placement p WHERE p.shown_mailbox_id = b.id)) AS "wrong counts",
      (SELECT count(*)::int FROM thread_mailbox t WHERE messages <> (SELECT count(DISTINCT message_id) FROM placement p WHERE p.shown_mailbox_id = t.mailbox_id AND p.thread_id = t.thread_id)) AS "wrong rows",
      (SELECT count(*)::int FROM message m WHERE orphaned_at IS NULL AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id)) AS "unmarked orphans",
      (SELECT count(*)::int FROM message) - (SELECT count(DISTINCT identity_key)::int FROM message) AS "doubled messages",
      (SELECT count(*)::int FROM message m WHERE body_state = 'ready' AND NOT EXISTS (SELECT 1 FROM body b WHERE b.message_id = m.id)) AS "missing bodies",
      (SELECT count(*)::int FROM message_search s WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = s.message_id)) AS "stray index rows",
      (SELECT count(*)::int FROM stream s WHERE seq <> (SELECT count(*) FROM change c WHERE c.stream_id = s.id)) AS "gaps in the log"`
  return Object.entries(found ?? {}).filter(([, count]) => count !== 0)
}
