-- +goose Up

ALTER TABLE channels
    ADD COLUMN disabled_at timestamptz,  -- takes and sends nothing while set
    ADD COLUMN problem     text,         -- why it does not work now, for admins; NULL: it works
    ADD COLUMN problem_at  timestamptz;

ALTER TABLE messages
    ADD COLUMN parts_sent integer NOT NULL DEFAULT 0, -- of a long message: how many parts the provider has taken
    ADD COLUMN begun_at   timestamptz;                -- when it was last handed to the provider
-- BotSendsUnderWay: whose outcome is not known.
CREATE INDEX messages_unconfirmed_idx ON messages (dialogue_id, seq) WHERE state = 'unconfirmed';

-- Which process polls for a channel. Soft state: a lost row only lets another process begin, and updates that come
-- twice are known.
CREATE UNLOGGED TABLE channel_leases (
    channel_id uuid PRIMARY KEY,
    holder     text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- How fast a channel's account may send, for all workers together. Soft state: a lost row allows one burst.
CREATE UNLOGGED TABLE channel_pace (
    channel_id    uuid PRIMARY KEY,
    next_at       timestamptz NOT NULL,       -- when the next slot is due (GCRA's theoretical arrival time)
    blocked_until timestamptz                 -- the provider asked for a pause
) WITH (fillfactor = 50);

-- +goose Down

DROP TABLE channel_pace, channel_leases;
DROP INDEX messages_unconfirmed_idx;
ALTER TABLE messages DROP COLUMN begun_at, DROP COLUMN parts_sent;
ALTER TABLE channels DROP COLUMN problem_at, DROP COLUMN problem, DROP COLUMN disabled_at;
