-- Never written: how far the texts are is told per account, by its progress.
ALTER TABLE "mailbox" DROP COLUMN "bodies_stored";
