-- +goose Up

-- Whether messages of the dialogue waited to leave when it rang: a hint for a run that has lost what it knew.
ALTER TABLE outbox ADD COLUMN to_send boolean NOT NULL DEFAULT false;

-- SilentDialogues, the longest silent first.
CREATE INDEX dialogues_silent_idx ON dialogues (last_message_at) WHERE mode = 'bot' AND status = 'open';

-- +goose Down

DROP INDEX dialogues_silent_idx;
ALTER TABLE outbox DROP COLUMN to_send;
