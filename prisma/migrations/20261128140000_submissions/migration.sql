CREATE TABLE "submission" (
    "id" UUID NOT NULL,
    "user_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "request_hash" BYTEA NOT NULL,
    "message_id_header" TEXT NOT NULL,
    "from_address" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "blob_id" BIGINT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "is_unicode" BOOLEAN NOT NULL DEFAULT false,
    "wants_report" BOOLEAN NOT NULL DEFAULT false,
    "not_before" TIMESTAMPTZ(3) NOT NULL,
    "schedule" JSONB,
    "about_message_id" BIGINT,
    "about_kind" TEXT,
    "cancelled_at" TIMESTAMPTZ(3),
    "told_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "submission_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "submission_batch" (
    "submission_id" UUID NOT NULL,
    "n" INTEGER NOT NULL,
    "account_id" BIGINT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'queued',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "reply_code" INTEGER,
    "error_code" TEXT,
    "text" TEXT,
    "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "submission_batch_pkey" PRIMARY KEY ("submission_id","n")
);

CREATE TABLE "submission_recipient" (
    "submission_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "batch" INTEGER NOT NULL,
    "address" TEXT NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "kind" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'waiting',
    "reply_code" INTEGER,
    "text" TEXT,

    CONSTRAINT "submission_recipient_pkey" PRIMARY KEY ("submission_id","position")
);

CREATE INDEX "submission_user_id_created_at_idx" ON "submission"("user_id", "created_at");
CREATE INDEX "submission_account_id_idx" ON "submission"("account_id");

-- The queue: what is due is found without what is over.
CREATE INDEX "submission_batch_open_idx" ON "submission_batch"("account_id", "due_at") WHERE state IN ('queued', 'leased', 'connected', 'committing', 'deferred');
