-- A maildrop may show mail of other mailboxes too: it is met as well, as long as the account is POP3.
ALTER TABLE "switch_header" ADD COLUMN "is_elsewhere" BOOLEAN NOT NULL DEFAULT false;
