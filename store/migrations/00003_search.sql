-- +goose Up

-- The words of a message, as search knows them: whatever is not a letter or a digit parts words, so that parts of
-- telephone numbers, addresses and orders are found; ё is е.
CREATE FUNCTION message_words(message text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple', translate(message, 'ёЁ!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', 'еЕ' || repeat(' ', 32)));

DROP INDEX messages_text_idx;
-- SearchDialogueIDs: the texts of messages.
CREATE INDEX messages_words_idx ON messages USING gin (message_words(text)) WHERE kind IN ('text', 'note');
-- SearchDialogueIDs: visitors who gave no name, by their number.
CREATE UNIQUE INDEX contacts_number_key ON contacts (number);
-- ListDialogues: those that wait for a human.
CREATE INDEX dialogues_waiting_idx ON dialogues (last_message_at DESC, id DESC) WHERE waiting_since IS NOT NULL;

-- +goose Down

DROP INDEX dialogues_waiting_idx;
DROP INDEX contacts_number_key;
DROP INDEX messages_words_idx;
DROP FUNCTION message_words;
CREATE INDEX messages_text_idx ON messages USING gin (to_tsvector('simple', text)) WHERE kind IN ('text', 'note');
