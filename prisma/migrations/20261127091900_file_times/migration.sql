-- A file's own time counts only where the mail names no date; that of an mbox line counts before it.
ALTER TABLE "transfer_item" ADD COLUMN "file_at" TIMESTAMPTZ(3);
