-- What was read out of stored sources may have been read of other octets than were stored (those above 0x7f were lost, and ids
-- with them): texts and attachments are read anew. Sources themselves, flags and places are as they were.
CREATE TEMPORARY TABLE read_anew ON COMMIT DROP AS
  SELECT m.id, m.account_id FROM raw_source r JOIN message m ON m.id = r.message_id
  WHERE m.body_state <> 'absent' AND NOT EXISTS (SELECT 1 FROM part p WHERE p.message_id = m.id AND NOT starts_with(p.path, 'parsed:'));

CREATE TEMPORARY TABLE gone_blob ON COMMIT DROP AS
  SELECT b.id, b.account_id, b.size_bytes FROM part p JOIN read_anew a ON a.id = p.message_id JOIN blob b ON b.id = p.blob_id
  WHERE NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.blob_id = b.id);

UPDATE account a SET stored_bytes = greatest(0, a.stored_bytes - g.bytes)
  FROM (SELECT account_id, sum(size_bytes) AS bytes FROM gone_blob GROUP BY account_id) g WHERE a.id = g.account_id;
DELETE FROM blob_chunk WHERE blob_id IN (SELECT id FROM gone_blob);
DELETE FROM blob WHERE id IN (SELECT id FROM gone_blob);
DELETE FROM part WHERE message_id IN (SELECT id FROM read_anew);
DELETE FROM body WHERE message_id IN (SELECT id FROM read_anew);
DELETE FROM message_search WHERE message_id IN (SELECT id FROM read_anew);
UPDATE message SET body_state = 'absent', preview = '' WHERE id IN (SELECT id FROM read_anew);
