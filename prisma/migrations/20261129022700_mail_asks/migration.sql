ALTER TABLE "message" ADD COLUMN "asks" JSONB;

CREATE TABLE "receipt_answer" (
    "message_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "answer" TEXT NOT NULL,
    "submission_id" UUID,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "receipt_answer_pkey" PRIMARY KEY ("message_id")
);

CREATE TABLE "list_leave" (
    "account_id" BIGINT NOT NULL,
    "list" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "list_leave_pkey" PRIMARY KEY ("account_id","list")
);

CREATE INDEX "receipt_answer_account_id_idx" ON "receipt_answer"("account_id");
