CREATE TABLE "removed_mailbox" (
    "id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "root_id" BIGINT NOT NULL,
    "row" JSONB NOT NULL,
    "command_id" UUID,
    "removed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "removed_mailbox_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "removed_mailbox_account_id_root_id_idx" ON "removed_mailbox"("account_id", "root_id");
