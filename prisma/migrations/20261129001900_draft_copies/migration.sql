ALTER TABLE "draft" ADD COLUMN "in_reply_to" TEXT,
  ADD COLUMN "refs" TEXT[] DEFAULT ARRAY[]::TEXT[],
  ADD COLUMN "uncopied_at" TIMESTAMPTZ(3);

-- What may lie in a Drafts mailbox of a draft, as long as it may lie there.
CREATE TABLE "draft_copy" (
    "id" BIGSERIAL NOT NULL,
    "draft_id" UUID NOT NULL,
    "account_id" BIGINT NOT NULL,
    "mailbox_id" BIGINT NOT NULL,
    "version" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "from_uid" BIGINT,
    "uid_validity" BIGINT,
    "uid" BIGINT,
    "message_id" BIGINT,
    "made_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "draft_copy_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "draft_copy_draft_id_idx" ON "draft_copy"("draft_id");
CREATE INDEX "draft_copy_account_id_idx" ON "draft_copy"("account_id");
CREATE INDEX "draft_copy_mailbox_id_idx" ON "draft_copy"("mailbox_id");

-- One that is still to be fetched out of a mail has no octets yet.
ALTER TABLE "draft_attachment" ALTER COLUMN "blob_id" DROP NOT NULL,
  ALTER COLUMN "sha256" SET DEFAULT '\x',
  ADD COLUMN "from_message_id" BIGINT,
  ADD COLUMN "from_part_id" BIGINT,
  ADD COLUMN "error_code" TEXT;
