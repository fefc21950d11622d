-- A row of octets now fills a page and stays in it (ADR 14). What was stored before keeps its longer rows, aside, and is read all
-- the same.
ALTER TABLE blob_chunk SET (toast_tuple_target = 8160);

-- The beginning of a blob, enough for any header (256 KiB); null when nothing of it is there.
CREATE FUNCTION blob_head(wanted bigint) RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  head bytea;
  chunk record;
BEGIN
  FOR chunk IN SELECT bytes FROM blob_chunk WHERE blob_id = wanted ORDER BY n LOOP
    head := coalesce(head, '') || substr(chunk.bytes, 1, 262144 - coalesce(octet_length(head), 0));
    EXIT WHEN octet_length(head) >= 262144;
  END LOOP;
  RETURN head;
END $$;
