-- +goose Up
-- Replays of all failed turns of a filter, which a workflow works through page by page.
CREATE TABLE replay_batches (
    id          uuid PRIMARY KEY,
    filter      jsonb NOT NULL,      -- cause and channel, as far as they are given
    actor_kind  text NOT NULL CHECK (actor_kind IN ('operator', 'command')),
    actor_id    uuid REFERENCES operators,
    actor_name  text NOT NULL,       -- as it was then
    state       text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped', 'failed')),
    total       integer NOT NULL,    -- open failed turns when it began
    replayed    integer NOT NULL DEFAULT 0,
    skipped     integer NOT NULL DEFAULT 0,
    after_at    timestamptz,         -- the turn that it has come to
    after_id    uuid,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    error       text                 -- of failed
);
-- StartReplay: one at a time for a filter. RunningReplays.
CREATE UNIQUE INDEX replay_batches_running_idx ON replay_batches (filter) WHERE state = 'running';
-- ListReplays, newest first.
CREATE INDEX replay_batches_started_idx ON replay_batches (started_at DESC, id DESC);
-- ReplaysUnanswered: what was replayed lately.
CREATE INDEX turns_replayed_idx ON turns (replayed_at) WHERE replayed_at IS NOT NULL;

-- +goose Down
DROP INDEX turns_replayed_idx;
DROP TABLE replay_batches;
