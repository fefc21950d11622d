ALTER TABLE "account" ADD COLUMN "retrieval" JSONB, ADD COLUMN "maildrop" JSONB;

CREATE TABLE "pop_ledger" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "key" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'listed',
    "is_whole" BOOLEAN NOT NULL DEFAULT false,
    "is_copy" BOOLEAN NOT NULL DEFAULT false,
    "raw_hash" BYTEA,
    "message_id" BIGINT,
    "listed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "fetched_at" TIMESTAMPTZ(3),
    "received_at" TIMESTAMPTZ(3),
    "missing_since" TIMESTAMPTZ(3),
    "gone_at" TIMESTAMPTZ(3),

    CONSTRAINT "pop_ledger_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "pop_ledger_account_id_state_idx" ON "pop_ledger"("account_id", "state");
CREATE INDEX "pop_ledger_account_id_raw_hash_idx" ON "pop_ledger"("account_id", "raw_hash");
CREATE INDEX "pop_ledger_message_id_idx" ON "pop_ledger"("message_id");
