ALTER TABLE "account" ADD COLUMN "max_message_bytes" BIGINT;

CREATE TABLE "identity" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "address" TEXT NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "reply_to" JSONB,
    "signature" TEXT NOT NULL DEFAULT '',
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "identity_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "draft" (
    "id" UUID NOT NULL,
    "user_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "content" JSONB NOT NULL,
    "message_id" BIGINT,
    "copied_version" INTEGER NOT NULL DEFAULT 0,
    "copy_at" TIMESTAMPTZ(3),
    "submission_id" UUID,
    "discarded_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "draft_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "draft_attachment" (
    "id" UUID NOT NULL,
    "draft_id" UUID NOT NULL,
    "account_id" BIGINT NOT NULL,
    "position" INTEGER NOT NULL,
    "filename" TEXT NOT NULL,
    "content_type" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "sha256" BYTEA NOT NULL,
    "content_id" TEXT,
    "blob_id" BIGINT NOT NULL,
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "draft_attachment_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "identity_account_id_idx" ON "identity"("account_id");
CREATE INDEX "draft_user_id_updated_at_idx" ON "draft"("user_id", "updated_at");
CREATE INDEX "draft_account_id_idx" ON "draft"("account_id");
CREATE INDEX "draft_message_id_idx" ON "draft"("message_id");
CREATE INDEX "draft_attachment_draft_id_idx" ON "draft_attachment"("draft_id");
CREATE INDEX "draft_attachment_blob_id_idx" ON "draft_attachment"("blob_id");

-- What is to be copied is found without what rests.
CREATE INDEX "draft_copy_at_idx" ON "draft"("account_id", "copy_at") WHERE copy_at IS NOT NULL;

-- One default an account.
CREATE UNIQUE INDEX "identity_default_idx" ON "identity"("account_id") WHERE is_default;

ALTER TABLE "submission" ADD COLUMN "draft_id" UUID,
  ADD COLUMN "from_name" TEXT NOT NULL DEFAULT '',
  ADD COLUMN "sent_copy" TEXT NOT NULL DEFAULT 'none',
  ADD COLUMN "sent_copy_item_id" BIGINT,
  ADD COLUMN "dismissed_at" TIMESTAMPTZ(3);

-- Every account writes as somebody.
INSERT INTO identity (account_id, address, name, is_default) SELECT id, address, name, true FROM account;
