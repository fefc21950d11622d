CREATE TABLE "correspondent" (
    "user_id" BIGINT NOT NULL,
    "address" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "rank" DOUBLE PRECISION NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "written_at" TIMESTAMPTZ(3),
    "forgotten_at" TIMESTAMPTZ(3),
    "words" tsvector NOT NULL,

    CONSTRAINT "correspondent_pkey" PRIMARY KEY ("user_id","address")
);

CREATE TABLE "correspondent_unread" (
    "message_id" BIGINT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "correspondent_unread_pkey" PRIMARY KEY ("message_id")
);

CREATE INDEX "correspondent_user_id_rank_idx" ON "correspondent"("user_id", "rank" DESC);
-- Few are written and somebody waits while they type: nothing lies unsorted in front of it.
CREATE INDEX "correspondent_words_idx" ON "correspondent" USING gin ("words") WITH (fastupdate = off);
