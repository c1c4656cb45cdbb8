-- +goose Up
-- ListTurns of all outcomes, newest first.
CREATE INDEX turns_started_idx ON turns (started_at DESC, id DESC);
-- ListTurns of an outcome that is not the usual one. DayUsage: what is being worded.
CREATE INDEX turns_state_idx ON turns (state, started_at DESC, id DESC) WHERE state <> 'answered';
-- ListTurns of one cause.
CREATE INDEX turns_cause_idx ON turns (cause, started_at DESC, id DESC) WHERE state = 'failed' AND kind = 'reply';
DROP INDEX turns_failed_cause_idx;

-- +goose Down
CREATE INDEX turns_failed_cause_idx ON turns (cause, finished_at DESC, id DESC) WHERE state = 'failed' AND kind = 'reply';
DROP INDEX turns_cause_idx;
DROP INDEX turns_state_idx;
DROP INDEX turns_started_idx;
