-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "app_user" (
    "id" BIGSERIAL NOT NULL,
    "address" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "app_user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "user_setting" (
    "user_id" BIGINT NOT NULL,
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,

    CONSTRAINT "user_setting_pkey" PRIMARY KEY ("user_id","key")
);

-- CreateTable
CREATE TABLE "installation_setting" (
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,

    CONSTRAINT "installation_setting_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "invitation" (
    "id" BIGSERIAL NOT NULL,
    "created_by" BIGINT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "note" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "invitation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "session" (
    "id" BIGSERIAL NOT NULL,
    "user_id" BIGINT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "address" TEXT NOT NULL DEFAULT '',
    "user_agent" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "auth_failure" (
    "key" TEXT NOT NULL,
    "failures" INTEGER NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "auth_failure_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "account" (
    "id" BIGSERIAL NOT NULL,
    "user_id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "color" TEXT,
    "position" INTEGER NOT NULL DEFAULT 0,
    "incoming" JSONB NOT NULL,
    "outgoing" JSONB,
    "data_key" BYTEA NOT NULL,
    "credential" BYTEA NOT NULL,
    "outgoing_credential" BYTEA,
    "state" TEXT NOT NULL DEFAULT 'new',
    "problem" JSONB,
    "retry_at" TIMESTAMPTZ(3),
    "last_login_at" TIMESTAMPTZ(3),
    "login_failures" INTEGER NOT NULL DEFAULT 0,
    "last_synced_at" TIMESTAMPTZ(3),
    "last_full_compare_at" TIMESTAMPTZ(3),
    "progress" JSONB,
    "capabilities" JSONB NOT NULL DEFAULT '{}',
    "is_paused" BOOLEAN NOT NULL DEFAULT false,
    "is_private_host" BOOLEAN NOT NULL DEFAULT false,
    "next_poll_at" TIMESTAMPTZ(3),
    "daily_byte_budget" BIGINT,
    "bytes_today" BIGINT NOT NULL DEFAULT 0,
    "bytes_day" DATE,
    "stored_bytes" BIGINT NOT NULL DEFAULT 0,
    "disconnected_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "account_lease" (
    "account_id" BIGINT NOT NULL,
    "epoch" BIGINT NOT NULL DEFAULT 0,
    "owner" TEXT NOT NULL DEFAULT '',
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "account_lease_pkey" PRIMARY KEY ("account_id")
);

-- CreateTable
CREATE TABLE "mailbox" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "path" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "delimiter" TEXT,
    "namespace" TEXT NOT NULL DEFAULT '',
    "role" TEXT,
    "chosen_role" TEXT,
    "is_selectable" BOOLEAN NOT NULL DEFAULT true,
    "is_subscribed" BOOLEAN NOT NULL DEFAULT true,
    "is_synced" BOOLEAN NOT NULL DEFAULT true,
    "is_watched" BOOLEAN NOT NULL DEFAULT false,
    "server_id" TEXT,
    "uid_validity" BIGINT,
    "uid_next" BIGINT,
    "highest_modseq" BIGINT,
    "fill_uid" BIGINT,
    "server_messages" INTEGER NOT NULL DEFAULT 0,
    "permanent_flags" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "can_create_keywords" BOOLEAN NOT NULL DEFAULT true,
    "is_read_only" BOOLEAN NOT NULL DEFAULT false,
    "rights" TEXT,
    "messages" INTEGER NOT NULL DEFAULT 0,
    "unread_messages" INTEGER NOT NULL DEFAULT 0,
    "conversations" INTEGER NOT NULL DEFAULT 0,
    "unread_conversations" INTEGER NOT NULL DEFAULT 0,
    "envelopes_stored" INTEGER NOT NULL DEFAULT 0,
    "bodies_stored" INTEGER NOT NULL DEFAULT 0,
    "checked_at" TIMESTAMPTZ(3),
    "compared_at" TIMESTAMPTZ(3),

    CONSTRAINT "mailbox_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "thread" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,

    CONSTRAINT "thread_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "message_ref" (
    "account_id" BIGINT NOT NULL,
    "ref_hash" UUID NOT NULL,
    "thread_id" BIGINT NOT NULL,

    CONSTRAINT "message_ref_pkey" PRIMARY KEY ("account_id","ref_hash")
);

-- CreateTable
CREATE TABLE "message" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "thread_id" BIGINT NOT NULL,
    "identity_key" UUID NOT NULL,
    "message_id_hash" UUID,
    "subject" TEXT NOT NULL,
    "from_addresses" JSONB NOT NULL,
    "reply_to" JSONB NOT NULL,
    "to_addresses" JSONB NOT NULL,
    "cc" JSONB NOT NULL,
    "bcc" JSONB NOT NULL,
    "sent_at" TIMESTAMPTZ(3),
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "preview" TEXT NOT NULL DEFAULT '',
    "has_attachment" BOOLEAN NOT NULL DEFAULT false,
    "body_state" TEXT NOT NULL DEFAULT 'absent',
    "structure" JSONB NOT NULL DEFAULT '[]',
    "content_hash" BYTEA,
    "raw_hash" BYTEA,
    "orphaned_at" TIMESTAMPTZ(3),

    CONSTRAINT "message_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "placement" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "mailbox_id" BIGINT NOT NULL,
    "uid" BIGINT,
    "message_id" BIGINT NOT NULL,
    "thread_id" BIGINT NOT NULL,
    "flags" SMALLINT NOT NULL DEFAULT 0,
    "keywords" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "modseq" BIGINT NOT NULL DEFAULT 0,
    "shown_mailbox_id" BIGINT,
    "shown_flags" SMALLINT NOT NULL DEFAULT 0,
    "shown_keywords" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "placement_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "thread_mailbox" (
    "mailbox_id" BIGINT NOT NULL,
    "thread_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "latest_at" TIMESTAMPTZ(3) NOT NULL,
    "latest_message_id" BIGINT NOT NULL,
    "messages" INTEGER NOT NULL,
    "unread" INTEGER NOT NULL,
    "flagged" INTEGER NOT NULL,
    "answered" INTEGER NOT NULL,
    "attachments" INTEGER NOT NULL,
    "size_bytes" BIGINT NOT NULL,

    CONSTRAINT "thread_mailbox_pkey" PRIMARY KEY ("mailbox_id","thread_id")
);

-- CreateTable
CREATE TABLE "message_search" (
    "message_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "has_body" BOOLEAN NOT NULL,
    "vector" tsvector NOT NULL,

    CONSTRAINT "message_search_pkey" PRIMARY KEY ("message_id")
);

-- CreateTable
CREATE TABLE "body" (
    "message_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "text" TEXT NOT NULL,
    "html" TEXT,
    "is_truncated" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "body_pkey" PRIMARY KEY ("message_id")
);

-- CreateTable
CREATE TABLE "part" (
    "id" BIGSERIAL NOT NULL,
    "message_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "position" INTEGER NOT NULL,
    "path" TEXT NOT NULL,
    "content_type" TEXT NOT NULL,
    "encoding" TEXT NOT NULL DEFAULT '',
    "charset" TEXT NOT NULL DEFAULT '',
    "filename" TEXT,
    "content_id" TEXT,
    "is_inline" BOOLEAN NOT NULL DEFAULT false,
    "size_bytes" BIGINT NOT NULL,
    "blob_id" BIGINT,

    CONSTRAINT "part_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "blob" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "sha256" BYTEA NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "is_whole" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "blob_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "blob_chunk" (
    "blob_id" BIGINT NOT NULL,
    "n" INTEGER NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "blob_chunk_pkey" PRIMARY KEY ("blob_id","n")
);

-- CreateTable
CREATE TABLE "raw_source" (
    "message_id" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL,
    "blob_id" BIGINT NOT NULL,

    CONSTRAINT "raw_source_pkey" PRIMARY KEY ("message_id")
);

-- CreateTable
CREATE TABLE "command" (
    "id" UUID NOT NULL,
    "ordinal" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "user_id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "undone_by" UUID,
    "undoes" UUID,
    "targets" INTEGER NOT NULL DEFAULT 0,
    "settled" INTEGER NOT NULL DEFAULT 0,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "not_before" TIMESTAMPTZ(3),
    "error_code" TEXT,
    "server_text" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "command_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "command_target" (
    "command_id" UUID NOT NULL,
    "placement_id" BIGINT NOT NULL,
    "ordinal" BIGINT NOT NULL,
    "message_id" BIGINT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "add_flags" SMALLINT NOT NULL DEFAULT 0,
    "remove_flags" SMALLINT NOT NULL DEFAULT 0,
    "add_keywords" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "remove_keywords" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "to_mailbox_id" BIGINT,
    "is_expunge" BOOLEAN NOT NULL DEFAULT false,
    "before_flags" SMALLINT NOT NULL,
    "before_keywords" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "before_mailbox_id" BIGINT,

    CONSTRAINT "command_target_pkey" PRIMARY KEY ("command_id","placement_id")
);

-- CreateTable
CREATE TABLE "stream" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT,
    "user_id" BIGINT,
    "seq" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "stream_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "change" (
    "stream_id" BIGINT NOT NULL,
    "seq" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "change_pkey" PRIMARY KEY ("stream_id","seq")
);

-- CreateTable
CREATE TABLE "engine_request" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "result" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "engine_request_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sync_event" (
    "id" BIGSERIAL NOT NULL,
    "account_id" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kind" TEXT NOT NULL,
    "code" TEXT,
    "text" TEXT NOT NULL,

    CONSTRAINT "sync_event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_event" (
    "id" BIGSERIAL NOT NULL,
    "user_id" BIGINT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kind" TEXT NOT NULL,
    "detail" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "trusted_sender" (
    "user_id" BIGINT NOT NULL,
    "address" TEXT NOT NULL,

    CONSTRAINT "trusted_sender_pkey" PRIMARY KEY ("user_id","address")
);

-- CreateIndex
CREATE UNIQUE INDEX "app_user_address_key" ON "app_user"("address");

-- CreateIndex
CREATE UNIQUE INDEX "invitation_token_hash_key" ON "invitation"("token_hash");

-- CreateIndex
CREATE UNIQUE INDEX "session_token_hash_key" ON "session"("token_hash");

-- CreateIndex
CREATE INDEX "session_user_id_idx" ON "session"("user_id");

-- CreateIndex
CREATE INDEX "account_user_id_position_idx" ON "account"("user_id", "position");

-- CreateIndex
CREATE UNIQUE INDEX "mailbox_account_id_path_key" ON "mailbox"("account_id", "path");

-- CreateIndex
CREATE INDEX "message_ref_thread_id_idx" ON "message_ref"("thread_id");

-- CreateIndex
CREATE INDEX "message_account_id_identity_key_idx" ON "message"("account_id", "identity_key");

-- CreateIndex
CREATE INDEX "message_thread_id_idx" ON "message"("thread_id");

-- CreateIndex
CREATE INDEX "message_account_id_received_at_id_idx" ON "message"("account_id", "received_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "placement_message_id_idx" ON "placement"("message_id");

-- CreateIndex
CREATE INDEX "placement_thread_id_idx" ON "placement"("thread_id");

-- CreateIndex
CREATE INDEX "placement_shown_mailbox_id_received_at_id_idx" ON "placement"("shown_mailbox_id", "received_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "placement_mailbox_id_uid_key" ON "placement"("mailbox_id", "uid");

-- CreateIndex
CREATE INDEX "thread_mailbox_mailbox_id_latest_at_thread_id_idx" ON "thread_mailbox"("mailbox_id", "latest_at" DESC, "thread_id" DESC);

-- CreateIndex
CREATE INDEX "thread_mailbox_thread_id_idx" ON "thread_mailbox"("thread_id");

-- CreateIndex
CREATE INDEX "message_search_account_id_received_at_message_id_idx" ON "message_search"("account_id", "received_at" DESC, "message_id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "part_message_id_position_key" ON "part"("message_id", "position");

-- CreateIndex
CREATE INDEX "blob_account_id_sha256_idx" ON "blob"("account_id", "sha256");

-- CreateIndex
CREATE UNIQUE INDEX "command_ordinal_key" ON "command"("ordinal");

-- CreateIndex
CREATE INDEX "command_account_id_ordinal_idx" ON "command"("account_id", "ordinal");

-- CreateIndex
CREATE INDEX "command_target_placement_id_ordinal_idx" ON "command_target"("placement_id", "ordinal");

-- CreateIndex
CREATE UNIQUE INDEX "stream_account_id_key" ON "stream"("account_id");

-- CreateIndex
CREATE UNIQUE INDEX "stream_user_id_key" ON "stream"("user_id");

-- CreateIndex
CREATE INDEX "change_at_idx" ON "change"("at");

-- CreateIndex
CREATE INDEX "engine_request_account_id_state_id_idx" ON "engine_request"("account_id", "state", "id");

-- CreateIndex
CREATE INDEX "sync_event_account_id_id_idx" ON "sync_event"("account_id", "id");

-- CreateIndex
CREATE INDEX "audit_event_user_id_id_idx" ON "audit_event"("user_id", "id");


-- What Prisma cannot say -------------------------------------------------------------------------------------------

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- Mail bytes are compressed already or not worth it; EXTERNAL makes slices of a chunk cheap.
ALTER TABLE blob_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- One account's words only: account_id leads, so that another person's common words cost nothing here.
CREATE INDEX message_search_vector_idx ON message_search USING gin (account_id, vector);

-- Open work, found without scanning what is done.
CREATE INDEX command_open_idx ON command (account_id, ordinal) WHERE state IN ('pending', 'running');
CREATE INDEX command_target_open_idx ON command_target (placement_id, ordinal) WHERE state = 'pending';
CREATE INDEX message_body_absent_idx ON message (account_id, received_at DESC, id DESC) WHERE body_state = 'absent';
CREATE INDEX message_orphaned_idx ON message (orphaned_at) WHERE orphaned_at IS NOT NULL;

-- Brings thread_mailbox and the mailbox counts up to date for the given conversations and says which rows of which
-- lists changed. Called once per transaction, after all placement writes and before the change log: the advisory lock
-- serialises the writers of one account, and every statement of a volatile function sees what the one before committed.
CREATE FUNCTION refresh_threads(p_account bigint, p_threads bigint[])
RETURNS TABLE (changed_mailbox_id bigint, changed_thread_id bigint, is_present boolean)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('postern.threads', p_account));
  RETURN QUERY
  WITH fresh AS (
    SELECT p.shown_mailbox_id AS mailbox_id, p.thread_id,
      max(p.received_at) AS latest_at,
      (array_agg(p.message_id ORDER BY p.received_at DESC, p.id DESC))[1] AS latest_message_id,
      count(DISTINCT p.message_id)::int AS messages,
      (count(DISTINCT p.message_id) FILTER (WHERE p.shown_flags & 1 = 0))::int AS unread,
      (count(DISTINCT p.message_id) FILTER (WHERE p.shown_flags & 4 <> 0))::int AS flagged,
      (count(DISTINCT p.message_id) FILTER (WHERE p.shown_flags & 2 <> 0))::int AS answered,
      (count(DISTINCT p.message_id) FILTER (WHERE m.has_attachment))::int AS attachments,
      sum(m.size_bytes)::bigint AS size_bytes
    FROM placement p JOIN message m ON m.id = p.message_id
    WHERE p.thread_id = ANY (p_threads) AND p.shown_mailbox_id IS NOT NULL
    GROUP BY 1, 2
  ), old AS (
    SELECT t.mailbox_id, t.thread_id, t.messages, t.unread FROM thread_mailbox t WHERE t.thread_id = ANY (p_threads)
  ), gone AS (
    DELETE FROM thread_mailbox t
    WHERE t.thread_id = ANY (p_threads)
      AND NOT EXISTS (SELECT 1 FROM fresh f WHERE f.mailbox_id = t.mailbox_id AND f.thread_id = t.thread_id)
    RETURNING t.mailbox_id, t.thread_id
  ), put AS (
    INSERT INTO thread_mailbox AS t (mailbox_id, thread_id, account_id, latest_at, latest_message_id, messages, unread,
      flagged, answered, attachments, size_bytes)
    SELECT f.mailbox_id, f.thread_id, p_account, f.latest_at, f.latest_message_id, f.messages, f.unread, f.flagged,
      f.answered, f.attachments, f.size_bytes
    FROM fresh f
    ON CONFLICT (mailbox_id, thread_id) DO UPDATE SET latest_at = excluded.latest_at,
      latest_message_id = excluded.latest_message_id, messages = excluded.messages, unread = excluded.unread,
      flagged = excluded.flagged, answered = excluded.answered, attachments = excluded.attachments,
      size_bytes = excluded.size_bytes
    RETURNING t.mailbox_id, t.thread_id
  ), delta AS (
    SELECT d.mailbox_id, sum(d.messages)::int AS messages, sum(d.unread)::int AS unread,
      sum(d.conversations)::int AS conversations, sum(d.unread_conversations)::int AS unread_conversations
    FROM (
      SELECT f.mailbox_id, f.messages, f.unread, 1 AS conversations, (f.unread > 0)::int AS unread_conversations FROM fresh f
      UNION ALL
      SELECT o.mailbox_id, -o.messages, -o.unread, -1, -(o.unread > 0)::int FROM old o
    ) d
    GROUP BY d.mailbox_id
  ), counted AS (
    UPDATE mailbox b SET messages = b.messages + d.messages, unread_messages = b.unread_messages + d.unread,
      conversations = b.conversations + d.conversations,
      unread_conversations = b.unread_conversations + d.unread_conversations
    FROM delta d
    WHERE b.id = d.mailbox_id
      AND (d.messages, d.unread, d.conversations, d.unread_conversations) <> (0, 0, 0, 0)
    RETURNING b.id
  )
  SELECT put.mailbox_id, put.thread_id, true FROM put
  UNION ALL
  SELECT gone.mailbox_id, gone.thread_id, false FROM gone;
END $$;

-- Appends facts to one stream, in order, and answers the new sequence number. The counter row is the last lock a
-- transaction takes; a transaction that writes several streams takes them in id order.
CREATE FUNCTION log_changes(p_stream bigint, p_kinds text[], p_data jsonb[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  last_seq bigint;
  n int := cardinality(p_kinds);
BEGIN
  UPDATE stream SET seq = seq + n WHERE id = p_stream RETURNING seq INTO last_seq;
  INSERT INTO change (stream_id, seq, kind, data)
  SELECT p_stream, last_seq - n + t.ord, t.kind, t.data
  FROM unnest(p_kinds, p_data) WITH ORDINALITY AS t (kind, data, ord);
  RETURN last_seq;
END $$;
