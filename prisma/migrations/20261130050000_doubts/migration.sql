-- Asked for whenever mail comes, and hardly ever there.
CREATE INDEX "submission_batch_doubt_idx" ON "submission_batch"("account_id") WHERE state = 'in_doubt';
