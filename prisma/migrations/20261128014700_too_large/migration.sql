ALTER TABLE "pop_ledger" ADD COLUMN "is_too_large" BOOLEAN NOT NULL DEFAULT false;

-- Nobody is kept waiting for what never comes.
UPDATE "pop_ledger" SET "wants_whole" = false WHERE "wants_whole" AND "size_bytes" > 268435456;
