CREATE TABLE "transfer" (
    "id" BIGSERIAL NOT NULL,
    "user_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "mailbox_id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "from_mailbox_id" BIGINT,
    "expected_bytes" BIGINT,
    "received_bytes" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "closed_at" TIMESTAMPTZ(3),
    "cancelled_at" TIMESTAMPTZ(3),

    CONSTRAINT "transfer_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "transfer_item" (
    "id" BIGSERIAL NOT NULL,
    "transfer_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "mailbox_id" BIGINT NOT NULL,
    "name" TEXT NOT NULL,
    "sha256" BYTEA NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "blob_id" BIGINT,
    "owns_blob" BOOLEAN NOT NULL DEFAULT true,
    "flags" SMALLINT NOT NULL DEFAULT 0,
    "keywords" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "came_at" TIMESTAMPTZ(3),
    "state" TEXT NOT NULL DEFAULT 'waiting',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "from_uid" BIGINT,
    "uid_validity" BIGINT,
    "uid" BIGINT,
    "error_code" TEXT,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "transfer_item_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "transfer_user_id_id_idx" ON "transfer"("user_id", "id");
CREATE INDEX "transfer_account_id_idx" ON "transfer"("account_id");
CREATE INDEX "transfer_item_transfer_id_state_idx" ON "transfer_item"("transfer_id", "state");
CREATE INDEX "transfer_item_mailbox_id_sha256_idx" ON "transfer_item"("mailbox_id", "sha256");

-- The queue: found without scanning what is settled.
CREATE INDEX "transfer_item_open_idx" ON "transfer_item"("account_id", "id") WHERE state IN ('waiting', 'sending');
