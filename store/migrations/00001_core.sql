-- +goose Up

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE operators (
    id            uuid PRIMARY KEY,
    email         text NOT NULL,
    name          text NOT NULL,
    role          text NOT NULL CHECK (role IN ('admin', 'operator')),
    password_hash text NOT NULL,
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX operators_email_key ON operators (lower(email));

CREATE TABLE operator_sessions (
    token_hash  bytea PRIMARY KEY,
    operator_id uuid NOT NULL REFERENCES operators ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
CREATE INDEX operator_sessions_operator_idx ON operator_sessions (operator_id);
CREATE INDEX operator_sessions_expires_idx ON operator_sessions (expires_at);

CREATE TABLE api_tokens (
    id           uuid PRIMARY KEY,
    token_hash   bytea NOT NULL UNIQUE,
    operator_id  uuid NOT NULL REFERENCES operators ON DELETE CASCADE,
    name         text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE channels (
    id            uuid PRIMARY KEY,
    kind          text NOT NULL,
    slug          text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name          text NOT NULL,
    settings      jsonb NOT NULL DEFAULT '{}',
    secrets       bytea,          -- AES-256-GCM over JSON
    secret_key_id text,           -- which PARLEY_SECRET_KEY sealed it
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- The bot's settings: one row, edited by admins.
CREATE TABLE bot_profile (
    singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    profile    jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE contacts (
    id         uuid PRIMARY KEY,
    number     bigint NOT NULL GENERATED ALWAYS AS IDENTITY, -- names visitors who gave no name
    name       text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX contacts_name_trgm_idx ON contacts USING gin (lower(name) gin_trgm_ops);

CREATE TABLE identities (
    channel_id uuid NOT NULL REFERENCES channels,
    kind       text NOT NULL,
    value      text NOT NULL,
    contact_id uuid NOT NULL REFERENCES contacts,
    PRIMARY KEY (channel_id, kind, value)
);
CREATE INDEX identities_contact_idx ON identities (contact_id);

CREATE TABLE dialogues (
    id              uuid PRIMARY KEY,
    channel_id      uuid NOT NULL REFERENCES channels,
    contact_id      uuid NOT NULL REFERENCES contacts,
    thread_key      text NOT NULL,
    mode            text NOT NULL DEFAULT 'bot' CHECK (mode IN ('bot', 'operator')),
    epoch           bigint NOT NULL DEFAULT 1,   -- grows with every mode change
    version         bigint NOT NULL DEFAULT 1,   -- grows with every change: what a client compares
    last_seq        bigint NOT NULL DEFAULT 0,   -- newest message of any author
    customer_seq    bigint NOT NULL DEFAULT 0,   -- newest message of the customer
    answered_seq    bigint NOT NULL DEFAULT 0,   -- answered up to this customer message
    handoff_seq     bigint NOT NULL DEFAULT 0,   -- newest customer message that was ever handed to humans
    handoff_reason  text,                        -- why operators hold it; NULL in bot mode
    status          text NOT NULL DEFAULT 'open' CHECK (status IN ('new', 'open', 'snoozed', 'closed')),
    assignee_id     uuid REFERENCES operators,
    episode_id      uuid NOT NULL,
    language        text,
    waiting_since   timestamptz,                 -- since when a human is waited for
    unread          integer NOT NULL DEFAULT 0,  -- customer messages after read_seq
    read_seq        bigint NOT NULL DEFAULT 0,
    last_message_at timestamptz NOT NULL DEFAULT now(),
    last_author     text NOT NULL DEFAULT 'customer',
    last_preview    text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (channel_id, thread_key)
) WITH (fillfactor = 80);
-- ListDialogues, newest first, whole or within one filter.
CREATE INDEX dialogues_recent_idx ON dialogues (last_message_at DESC, id DESC);
CREATE INDEX dialogues_status_idx ON dialogues (status, last_message_at DESC, id DESC);
CREATE INDEX dialogues_mode_idx ON dialogues (mode, last_message_at DESC, id DESC);
CREATE INDEX dialogues_channel_idx ON dialogues (channel_id, last_message_at DESC, id DESC);
CREATE INDEX dialogues_assignee_idx ON dialogues (assignee_id, last_message_at DESC, id DESC) WHERE assignee_id IS NOT NULL;
CREATE INDEX dialogues_unread_idx ON dialogues (last_message_at DESC, id DESC) WHERE unread > 0;
CREATE INDEX dialogues_contact_idx ON dialogues (contact_id);
-- Search by chat id.
CREATE INDEX dialogues_thread_key_idx ON dialogues (thread_key text_pattern_ops);

-- One occasion within a dialogue: what analytics counts.
CREATE TABLE episodes (
    id                uuid PRIMARY KEY,
    dialogue_id       uuid NOT NULL REFERENCES dialogues ON DELETE CASCADE,
    opened_at         timestamptz NOT NULL DEFAULT now(),
    closed_at         timestamptz,
    first_answered_at timestamptz,
    first_answered_by text,        -- bot or operator
    handoff_reasons   text[] NOT NULL DEFAULT '{}',
    outcome           text         -- who closed it: operator
);
CREATE INDEX episodes_dialogue_idx ON episodes (dialogue_id, opened_at);

CREATE TABLE turns (
    id                uuid PRIMARY KEY,
    dialogue_id       uuid NOT NULL REFERENCES dialogues ON DELETE CASCADE,
    kind              text NOT NULL CHECK (kind IN ('reply', 'suggestion')),
    state             text NOT NULL CHECK (state IN ('running', 'drafted', 'answered', 'handed_off', 'superseded', 'failed')),
    epoch             bigint NOT NULL,
    from_seq          bigint NOT NULL,   -- answered_seq when it began
    to_seq            bigint NOT NULL,   -- the newest customer message that it has seen
    operator_id       uuid REFERENCES operators, -- who asked for the suggestion
    attempts          integer NOT NULL DEFAULT 1,  -- model calls, with the one that runs
    restarts          integer NOT NULL DEFAULT 0,  -- begun again because a newer message came
    answer            text,
    handoff_reason    text,
    cause             text,              -- error class of a failed turn
    error             text,
    model             text,
    prompt_version    text,
    prompt_tokens     integer,
    completion_tokens integer,
    sources           jsonb,
    request           jsonb,
    response          jsonb,
    started_at        timestamptz NOT NULL DEFAULT now(),
    finished_at       timestamptz
);
-- One reply turn for what is unanswered at one time: what makes a retried activity find its own turn.
CREATE UNIQUE INDEX turns_reply_key ON turns (dialogue_id, epoch, from_seq) WHERE kind = 'reply';
CREATE INDEX turns_dialogue_idx ON turns (dialogue_id, started_at);

CREATE TABLE messages (
    id                  uuid PRIMARY KEY,
    dialogue_id         uuid NOT NULL REFERENCES dialogues ON DELETE CASCADE,
    channel_id          uuid NOT NULL REFERENCES channels,
    episode_id          uuid NOT NULL REFERENCES episodes,
    seq                 bigint NOT NULL,
    author              text NOT NULL CHECK (author IN ('customer', 'bot', 'operator', 'system')),
    kind                text NOT NULL CHECK (kind IN ('text', 'notice', 'note', 'event')),
    text                text NOT NULL,
    data                jsonb,           -- of kind event: what happened
    state               text NOT NULL CHECK (state IN ('received', 'queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'unconfirmed')),
    error               text,            -- why it failed, for operators
    operator_id         uuid REFERENCES operators,
    turn_id             uuid REFERENCES turns,
    part                integer NOT NULL DEFAULT 0,
    client_id           text,
    provider_message_id text,
    raw                 jsonb,           -- the provider's payload as it came
    created_at          timestamptz NOT NULL DEFAULT now(),
    UNIQUE (dialogue_id, seq)
);
CREATE UNIQUE INDEX messages_provider_key ON messages (channel_id, provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE UNIQUE INDEX messages_client_key ON messages (dialogue_id, author, client_id) WHERE client_id IS NOT NULL;
CREATE UNIQUE INDEX messages_turn_key ON messages (turn_id, part) WHERE author IN ('bot', 'system');
-- What still has to leave: the send activity, and PUT mode waiting for what is under way.
CREATE INDEX messages_outgoing_idx ON messages (dialogue_id, seq) WHERE state IN ('queued', 'sending');
-- Receipts of the widget: what is sent and not yet read.
CREATE INDEX messages_unread_by_customer_idx ON messages (dialogue_id, seq) WHERE state IN ('sent', 'delivered');
-- Search by message text.
CREATE INDEX messages_text_idx ON messages USING gin (to_tsvector('simple', text)) WHERE kind IN ('text', 'note');

CREATE TABLE widget_sessions (
    token_hash  bytea PRIMARY KEY,
    id          uuid NOT NULL UNIQUE,    -- the dialogue's thread key
    channel_id  uuid NOT NULL REFERENCES channels,
    created_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX widget_sessions_seen_idx ON widget_sessions (seen_at);

-- What must still be told to the workflows: at most one row per dialogue.
-- Versions of bells are never given twice, so that whoever forgets late forgets no newer bell of the same dialogue.
CREATE SEQUENCE outbox_version;
CREATE TABLE outbox (
    dialogue_id uuid PRIMARY KEY,
    version     bigint NOT NULL DEFAULT nextval('outbox_version'),  -- another with every ring
    rings       text[] NOT NULL,            -- what rang, in order, each once
    epoch       bigint NOT NULL,
    mode        text NOT NULL,
    customer_seq bigint NOT NULL,
    answered_seq bigint NOT NULL,
    due_at      timestamptz NOT NULL,       -- when the relay may take it
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_due_idx ON outbox (due_at);

-- The event log. position is given by the sequencer, in commit order.
CREATE TABLE events (
    id          bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position    bigint,
    kind        text NOT NULL,
    audience    text NOT NULL CHECK (audience IN ('operators', 'everyone')), -- everyone: the dialogue's customer too
    dialogue_id uuid,
    payload     jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX events_unsequenced_idx ON events (id) WHERE position IS NULL;
CREATE UNIQUE INDEX events_position_key ON events (position);
CREATE INDEX events_customer_idx ON events (dialogue_id, position) WHERE audience = 'everyone';

CREATE TABLE event_log (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    head      bigint NOT NULL DEFAULT 0, -- position of the newest event
    pruned    bigint NOT NULL DEFAULT 0  -- every event up to here is gone
);
INSERT INTO event_log DEFAULT VALUES;

-- Which dialogue each inbox stream has on the screen. Soft state: lost rows come back with the next report.
CREATE UNLOGGED TABLE viewers (
    stream_id   text PRIMARY KEY,
    operator_id uuid NOT NULL,
    dialogue_id uuid NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX viewers_dialogue_idx ON viewers (dialogue_id);

CREATE TABLE dead_letters (
    id          uuid PRIMARY KEY,
    channel_id  uuid NOT NULL REFERENCES channels,
    reason      text NOT NULL,
    body        bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letters_received_idx ON dead_letters (received_at DESC, id DESC);

-- +goose Down

DROP TABLE dead_letters, viewers, event_log, events, outbox, widget_sessions, messages, turns, episodes, dialogues,
    identities, contacts, bot_profile, channels, api_tokens, operator_sessions, operators;
DROP SEQUENCE outbox_version;
