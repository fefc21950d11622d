-- When something last came of an import, and whether it ended before all of it had.
ALTER TABLE transfer ADD COLUMN heard_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, ADD COLUMN is_cut_off BOOLEAN NOT NULL DEFAULT false;
