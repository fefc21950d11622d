ALTER TABLE "thread" ADD COLUMN "merged_into" BIGINT;
