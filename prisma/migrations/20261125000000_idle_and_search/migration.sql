-- When a browser of this person was last connected: accounts of people who look are looked at more often.
ALTER TABLE "app_user" ADD COLUMN "online_at" TIMESTAMPTZ(3);
CREATE INDEX app_user_online_idx ON app_user (online_at) WHERE online_at IS NOT NULL;
-- Open requests are few among many answered ones, and looked for every few seconds.
CREATE INDEX engine_request_pending_idx ON engine_request (account_id) WHERE state = 'pending';
-- Statistics of words are wanted often and roughly: without any, the planner reads every vector instead of the index.
ALTER TABLE message_search ALTER COLUMN vector SET STATISTICS 20;
