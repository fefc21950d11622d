ALTER TABLE "account" ADD COLUMN "uses_relay" BOOLEAN NOT NULL DEFAULT false;

CREATE TABLE "relay" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "outgoing" JSONB NOT NULL,
    "data_key" BYTEA NOT NULL,
    "credential" BYTEA NOT NULL,
    "domains" TEXT[],
    "carries_others" BOOLEAN NOT NULL,
    "recipients_per_mail" INTEGER,
    "mails_per_hour" INTEGER,
    "set_by" BIGINT NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "problem" JSONB,

    CONSTRAINT "relay_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "relay_turn" (
    "user_id" BIGINT NOT NULL,
    "submission_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "relay_turn_pkey" PRIMARY KEY ("user_id","submission_id")
);
