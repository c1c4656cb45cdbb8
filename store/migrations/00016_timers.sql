-- +goose Up
ALTER TABLE dialogues
    ADD COLUMN overdue_since timestamptz,                 -- since when a human should have answered
    ADD COLUMN snoozed_until timestamptz,                 -- when a snoozed dialogue comes back
    ADD COLUMN human_at      timestamptz,                 -- when the operator who holds it has last done something
    ADD COLUMN replied_seq   bigint NOT NULL DEFAULT 0,   -- newest message of an operator since the dialogue came to them
    ADD COLUMN follow_up_seq bigint NOT NULL DEFAULT 0,   -- the customer message after whose answer they were asked whether that was all
    ADD COLUMN timers        jsonb  NOT NULL DEFAULT '[]', -- that run, the next one first
    ADD COLUMN timer_at      timestamptz;                 -- when the next one is due
-- Timers of dialogues whose workflow was lost.
CREATE INDEX dialogues_timer_idx ON dialogues (timer_at) WHERE timer_at IS NOT NULL;
-- Until now a scan closed the silent dialogues of the bot: they get the timer that does it.
UPDATE dialogues SET timer_at = last_message_at + interval '24 hours',
    timers = jsonb_build_array(jsonb_build_object('kind', 'close', 'due_at', to_char((last_message_at + interval '24 hours') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
WHERE mode = 'bot' AND status IN ('new', 'open') AND waiting_since IS NULL AND customer_seq <= answered_seq;

-- +goose Down
DROP INDEX dialogues_timer_idx;
ALTER TABLE dialogues
    DROP COLUMN overdue_since, DROP COLUMN snoozed_until, DROP COLUMN human_at, DROP COLUMN replied_seq, DROP COLUMN follow_up_seq,
    DROP COLUMN timers, DROP COLUMN timer_at;
