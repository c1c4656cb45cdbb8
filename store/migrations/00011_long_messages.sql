-- +goose Up

-- Search knows the first 100 000 characters of a message: a tsvector holds less than 1 MB of words
-- (https://www.postgresql.org/docs/18/textsearch-limitations.html), and a longer text of all different words
-- could not be stored at all.
DROP INDEX messages_words_idx;
CREATE OR REPLACE FUNCTION message_words(message text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple', translate(left(message, 100000), 'ёЁ!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', 'еЕ' || repeat(' ', 32)));
CREATE INDEX messages_words_idx ON messages USING gin (message_words(text)) WHERE kind IN ('text', 'note');

-- +goose Down

DROP INDEX messages_words_idx;
CREATE OR REPLACE FUNCTION message_words(message text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple', translate(message, 'ёЁ!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', 'еЕ' || repeat(' ', 32)));
CREATE INDEX messages_words_idx ON messages USING gin (message_words(text)) WHERE kind IN ('text', 'note');
