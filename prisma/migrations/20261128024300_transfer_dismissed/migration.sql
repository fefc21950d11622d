-- An ended transfer is shown until its person puts it away; those that ended before are not shown anew.
ALTER TABLE "transfer" ADD COLUMN "dismissed_at" TIMESTAMPTZ(3);

UPDATE transfer t SET dismissed_at = now() WHERE cancelled_at IS NOT NULL
  OR (closed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM transfer_item i WHERE i.transfer_id = t.id AND i.state IN ('waiting', 'sending')));
