-- Up to half a page texts and vectors stay in their row as they are: compressing them costs a first sync more than the room
-- is worth. Longer ones are compressed and stored apart as before.
ALTER TABLE body SET (toast_tuple_target = 4000);
ALTER TABLE message_search SET (toast_tuple_target = 4000);
