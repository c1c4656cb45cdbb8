-- +goose Up

ALTER TABLE turns
    ADD COLUMN rounds           integer,       -- model calls of the attempt that made the answer: one more for each use of tools
    ADD COLUMN tokens_estimated boolean NOT NULL DEFAULT false, -- the server did not count, at least not all of them
    ADD COLUMN first_word_ms    integer,       -- until the first word of the answer; NULL: nothing was written
    ADD COLUMN model_ms         integer,       -- all model calls of that attempt together
    ADD COLUMN cost_micros      bigint,        -- in millionths of the currency, all attempts; NULL: the prices are not known
    ADD COLUMN currency         text,          -- ISO 4217
    ADD COLUMN tool_calls       jsonb,         -- [{round, name, arguments, duration_ms, found, error}]
    ADD COLUMN cap              text;          -- the limit of the shop that kept the bot from answering

-- What the bot used, per day of the shop's time zone. A day is spread over shards, by dialogue, so that turns do not
-- wait for one row.
CREATE TABLE bot_usage (
    day         date NOT NULL,
    shard       smallint NOT NULL,
    calls       bigint NOT NULL DEFAULT 0,
    tokens      bigint NOT NULL DEFAULT 0,
    cost_micros bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, shard)
) WITH (fillfactor = 50);

-- What the older part of a long dialogue came to, for the model's prompt.
CREATE TABLE dialogue_summaries (
    dialogue_id uuid PRIMARY KEY REFERENCES dialogues ON DELETE CASCADE,
    up_to_seq   bigint NOT NULL,          -- everything up to this message is in it
    text        text NOT NULL,
    model       text NOT NULL,
    tokens      integer NOT NULL,         -- of the text, estimated
    updated_at  timestamptz NOT NULL DEFAULT now()
);

-- Grows with every change: what an editor compares.
ALTER TABLE bot_profile ADD COLUMN version bigint NOT NULL DEFAULT 1;

-- +goose Down

ALTER TABLE bot_profile DROP COLUMN version;
DROP TABLE dialogue_summaries, bot_usage;
ALTER TABLE turns DROP COLUMN cap, DROP COLUMN tool_calls, DROP COLUMN currency, DROP COLUMN cost_micros, DROP COLUMN model_ms,
    DROP COLUMN first_word_ms, DROP COLUMN tokens_estimated, DROP COLUMN rounds;
