-- What was deleted for good here while it was to stay at the provider stays there, whatever policy is chosen later.
UPDATE pop_ledger l SET fetched_at = NULL FROM account a
  WHERE a.id = l.account_id AND l.state = 'fetched' AND l.message_id IS NOT NULL
    AND (NOT l.is_whole OR coalesce(a.retrieval -> 'policy' ->> 'kind', 'keep') IN ('keep', 'whenDeletedHere'))
    AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = l.message_id);
