-- What was counted for a text was what had been fetched of it, which is more than what is stored, and stayed counted after a source
-- had come or the text was let go. Counted anew: octets by their size, and the text of a mail that has no source.
WITH kept AS (
  SELECT account_id, sum(size_bytes) AS bytes FROM blob
  WHERE is_whole AND id IN (SELECT blob_id FROM raw_source UNION ALL SELECT blob_id FROM part WHERE blob_id IS NOT NULL) GROUP BY account_id
), texts AS (
  SELECT b.account_id, sum(octet_length(b.text) + coalesce(octet_length(b.html), 0)) AS bytes FROM body b
  WHERE NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.message_id = b.message_id) GROUP BY b.account_id
)
UPDATE account a SET stored_bytes = coalesce((SELECT bytes FROM kept WHERE account_id = a.id), 0) + coalesce((SELECT bytes FROM texts WHERE account_id = a.id), 0);
