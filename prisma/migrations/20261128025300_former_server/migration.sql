-- Where an account that changed its protocol was before, so that the way back need not be typed; never the password.
ALTER TABLE "account" ADD COLUMN "former_server" JSONB;
