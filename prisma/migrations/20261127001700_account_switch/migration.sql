ALTER TABLE "account" ADD COLUMN "switching" JSONB;

CREATE TABLE "switch_mail" (
    "message_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "sent_to" BIGINT,
    "sent_from_uid" BIGINT,
    "retry_at" TIMESTAMPTZ(3),

    CONSTRAINT "switch_mail_pkey" PRIMARY KEY ("message_id")
);

CREATE INDEX "switch_mail_account_id_idx" ON "switch_mail"("account_id");
