-- Accounts that were disconnected before disconnecting let go of these. Which of their servers to send with had a password of its
-- own nobody can tell any more, and the one for the incoming server is not to be tried there.
UPDATE "account" SET "credential" = '', "outgoing_credential" = NULL, "switch_credential" = NULL, "outgoing" = NULL
WHERE "disconnected_at" IS NOT NULL;

-- A change to POP3 cannot go on without its password; what a change to IMAP left open before is open again.
UPDATE "account" a SET "switch_to" = NULL, "switching" = (
  SELECT jsonb_build_object('to', 'imap', 'total', count(*), 'found', 0, 'brought', 0, 'isTold', true) FROM "switch_mail" s
  WHERE s."account_id" = a."id" HAVING count(*) > 0)
WHERE "disconnected_at" IS NOT NULL AND "kind" = 'imap' AND "switch_to" IS NOT NULL;
DELETE FROM "switch_header" h USING "account" a
WHERE a."id" = h."account_id" AND a."disconnected_at" IS NOT NULL AND a."kind" = 'imap';
