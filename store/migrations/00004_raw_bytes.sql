-- +goose Up

-- Payloads are kept as they came: jsonb does not take all that JSON allows, and a message must not be lost for that.
ALTER TABLE messages ALTER COLUMN raw TYPE bytea USING convert_to(raw::text, 'UTF8');

-- +goose Down

ALTER TABLE messages ALTER COLUMN raw TYPE jsonb USING convert_from(raw, 'UTF8')::jsonb;
