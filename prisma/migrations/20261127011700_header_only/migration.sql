ALTER TABLE "message" ADD COLUMN "is_header_only" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "pop_ledger" ADD COLUMN "wants_whole" BOOLEAN NOT NULL DEFAULT false;
