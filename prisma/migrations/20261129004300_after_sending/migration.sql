ALTER TABLE "submission" ADD COLUMN "followed_at" TIMESTAMPTZ(3),
  ADD COLUMN "copy_at" TIMESTAMPTZ(3);

UPDATE submission SET followed_at = now();

-- What is still to be done after a mail was sent is found without what is over.
CREATE INDEX "submission_unfollowed_idx" ON "submission"("account_id") WHERE followed_at IS NULL AND cancelled_at IS NULL;
CREATE INDEX "submission_copy_at_idx" ON "submission"("account_id") WHERE copy_at IS NOT NULL;
CREATE INDEX "submission_sent_copy_item_id_idx" ON "submission"("sent_copy_item_id");
