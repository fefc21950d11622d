UPDATE "account" SET "switching" = ("switching" - 'uploaded') || jsonb_build_object('brought', "switching" -> 'uploaded') WHERE "switching" ? 'uploaded';
