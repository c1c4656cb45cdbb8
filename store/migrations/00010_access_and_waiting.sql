-- +goose Up

ALTER TABLE api_tokens
    ADD COLUMN prefix  text NOT NULL DEFAULT '', -- how the token begins, to tell it from others; '': made before this was kept
    ADD COLUMN used_at timestamptz;              -- to the minute; NULL: never, or not since this is kept
-- ListAPITokens.
CREATE INDEX api_tokens_operator_idx ON api_tokens (operator_id, created_at, id);

-- Until when a visitor is remembered who does not come again. Programs of the version before do not prolong it.
ALTER TABLE widget_sessions ADD COLUMN expires_at timestamptz NOT NULL DEFAULT now() + interval '30 days';
UPDATE widget_sessions SET expires_at = seen_at + interval '365 days';
DROP INDEX widget_sessions_seen_idx;
-- DeleteExpiredWidgetSessions.
CREATE INDEX widget_sessions_expires_idx ON widget_sessions (expires_at);

-- StuckReplies, ListFailedTurns and CountFailedTurns of those whose customers still wait: few of all dialogues.
CREATE INDEX dialogues_unanswered_idx ON dialogues (last_message_at) WHERE customer_seq > answered_seq;
CREATE INDEX turns_unreplayed_idx ON turns (dialogue_id) WHERE state = 'failed' AND kind = 'reply' AND replayed_at IS NULL;

-- +goose Down

DROP INDEX turns_unreplayed_idx;
DROP INDEX dialogues_unanswered_idx;
DROP INDEX widget_sessions_expires_idx;
CREATE INDEX widget_sessions_seen_idx ON widget_sessions (seen_at);
ALTER TABLE widget_sessions DROP COLUMN expires_at;
DROP INDEX api_tokens_operator_idx;
ALTER TABLE api_tokens DROP COLUMN used_at, DROP COLUMN prefix;
