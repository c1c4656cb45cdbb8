-- +goose Up
-- Which attempt to send a message it was: one that stood still learns by it that another has the message now.
ALTER TABLE messages ADD COLUMN send_attempt int NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE messages DROP COLUMN send_attempt;
