-- +goose Up

ALTER TABLE turns
    ADD COLUMN replayed_at    timestamptz,
    ADD COLUMN replayed_by    uuid REFERENCES operators,
    ADD COLUMN replay_outcome text;  -- returned_to_bot or suggested
-- ListFailedTurns, newest first, and CountFailedTurns.
CREATE INDEX turns_failed_idx ON turns (finished_at DESC, id DESC) WHERE state = 'failed' AND kind = 'reply';
-- ListFailedTurns of one cause.
CREATE INDEX turns_failed_cause_idx ON turns (cause, finished_at DESC, id DESC) WHERE state = 'failed' AND kind = 'reply';

-- Who did what: changes of hands, replays, settings. Written with what it tells.
CREATE TABLE audit (
    id          uuid PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    actor_kind  text NOT NULL CHECK (actor_kind IN ('operator', 'command', 'bot')),
    actor_id    uuid,                -- of kind operator
    actor_name  text NOT NULL,       -- as it was then
    action      text NOT NULL,
    object_kind text NOT NULL,
    object_id   text NOT NULL,
    object_name text NOT NULL,       -- as it was then
    detail      jsonb NOT NULL DEFAULT '{}'
);
-- ListAudit, newest first, whole or within one filter.
CREATE INDEX audit_at_idx ON audit (at DESC, id DESC);
CREATE INDEX audit_actor_idx ON audit (actor_id, at DESC, id DESC);
CREATE INDEX audit_action_idx ON audit (action, at DESC, id DESC);
CREATE INDEX audit_object_idx ON audit (object_id, at DESC, id DESC);

-- +goose Down

DROP TABLE audit;
DROP INDEX turns_failed_cause_idx;
DROP INDEX turns_failed_idx;
ALTER TABLE turns DROP COLUMN replay_outcome, DROP COLUMN replayed_by, DROP COLUMN replayed_at;
