ALTER TABLE "account" ADD COLUMN "switch_to" JSONB,
ADD COLUMN "switch_credential" BYTEA;

CREATE TABLE "switch_header" (
    "message_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "header_hash" BYTEA NOT NULL,
    "copies" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "switch_header_pkey" PRIMARY KEY ("message_id")
);

CREATE INDEX "switch_header_account_id_header_hash_idx" ON "switch_header"("account_id", "header_hash");
