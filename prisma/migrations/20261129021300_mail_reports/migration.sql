CREATE TABLE "mail_report" (
    "message_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "about_hash" UUID,
    "submission_id" UUID,

    CONSTRAINT "mail_report_pkey" PRIMARY KEY ("message_id")
);

CREATE TABLE "mail_report_recipient" (
    "message_id" BIGINT NOT NULL,
    "position" INTEGER NOT NULL,
    "action" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "original_address" TEXT,
    "status" TEXT,
    "text" TEXT,

    CONSTRAINT "mail_report_recipient_pkey" PRIMARY KEY ("message_id","position")
);

CREATE INDEX "mail_report_account_id_about_hash_idx" ON "mail_report"("account_id", "about_hash");

-- Whether somebody wrote it as this account: it went out from here, carries an own address, or lies in Sent.
CREATE FUNCTION is_own_mail(message) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM account a WHERE a.id = $1.account_id AND lower(a.address) = lower($1.from_addresses -> 0 ->> 'address'))
    OR EXISTS (SELECT 1 FROM identity i WHERE i.account_id = $1.account_id AND lower(i.address) = lower($1.from_addresses -> 0 ->> 'address'))
    OR EXISTS (SELECT 1 FROM placement p JOIN mailbox b ON b.id = p.mailbox_id
      WHERE p.message_id = $1.id AND coalesce(nullif(b.chosen_role, 'none'), b.role) = 'sent')
$$;

-- Reports that were read as mere mail are read again, where their source is here or at an IMAP server.
CREATE TEMPORARY TABLE read_anew ON COMMIT DROP AS
  SELECT DISTINCT p.message_id AS id FROM part p JOIN message m ON m.id = p.message_id
  WHERE m.body_state <> 'absent' AND p.content_type IN ('message/delivery-status', 'message/global-delivery-status',
    'message/disposition-notification', 'message/global-disposition-notification')
    AND (EXISTS (SELECT 1 FROM raw_source r JOIN blob b ON b.id = r.blob_id AND b.is_whole WHERE r.message_id = m.id)
      OR EXISTS (SELECT 1 FROM placement o JOIN account a ON a.id = o.account_id AND a.kind = 'imap' WHERE o.message_id = m.id AND o.uid IS NOT NULL));

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
UPDATE message SET body_state = 'absent' WHERE id IN (SELECT id FROM read_anew);
