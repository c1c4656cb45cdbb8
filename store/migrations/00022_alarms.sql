-- +goose Up

-- What operators and admins are told once, however many dialogues it concerns: answers of the bot that fail for one cause.
-- How many is counted from the turns while it is open, so that failing turns do not wait for one row.
CREATE TABLE alarms (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('model')),
    cause       text NOT NULL,            -- that of the failed turns
    opened_at   timestamptz NOT NULL,     -- when the first of the turns failed that opened it
    counts_from timestamptz NOT NULL,     -- turns that failed after it count: before opened_at, for some commit later than those that opened it
    last_at     timestamptz,              -- of a closed one: when the last of its turns failed
    count       bigint,                   -- of a closed one: how many turns failed
    dialogues   bigint,                   -- of a closed one: of how many dialogues
    closed_at   timestamptz,
    closed_by   text CHECK (closed_by IN ('recovered', 'operator')),
    operator_id uuid REFERENCES operators, -- who closed it
    CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
-- One that is open for a cause: what makes concurrent failures open one.
CREATE UNIQUE INDEX alarms_open_key ON alarms (kind, cause) WHERE closed_at IS NULL;
-- RecentAlarms, and since when failures count.
CREATE INDEX alarms_closed_idx ON alarms (cause, closed_at DESC);

-- Of a handoff by the bot: the limit that was reached, or the class of its error.
ALTER TABLE dialogues ADD COLUMN handoff_detail text;

-- Which process does what one at a time does. Soft state: a lost row only lets another process begin.
CREATE UNLOGGED TABLE leases (
    name       text PRIMARY KEY,
    holder     text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- +goose Down

DROP TABLE leases, alarms;
ALTER TABLE dialogues DROP COLUMN handoff_detail;
