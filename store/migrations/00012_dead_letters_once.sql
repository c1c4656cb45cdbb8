-- +goose Up

DELETE FROM dead_letters x USING dead_letters earlier
WHERE x.channel_id = earlier.channel_id AND sha256(x.body) = sha256(earlier.body) AND x.id > earlier.id;
-- InsertDeadLetter: what a provider delivers again is kept once.
CREATE UNIQUE INDEX dead_letters_body_key ON dead_letters (channel_id, sha256(body));

-- +goose Down

DROP INDEX dead_letters_body_key;
