-- From here on, a code of somebody who waits in a batch that may have left says that the server did not take it for them. Those
-- that are there now may be of an earlier attempt: the mail may have gone to them, and is not sent twice.
UPDATE "submission_recipient" r SET "reply_code" = NULL FROM "submission_batch" b
WHERE r."submission_id" = b."submission_id" AND r."batch" = b."n" AND r."state" = 'waiting' AND b."state" IN ('committing', 'in_doubt');
