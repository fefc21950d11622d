ALTER TABLE "message" ADD COLUMN "is_header_only" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "pop_ledger" ADD COLUMN "wants_whole" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "pop_ledger" ADD COLUMN "top_hash" BYTEA;
CREATE INDEX "pop_ledger_account_id_top_hash_idx" ON "pop_ledger"("account_id", "top_hash");
