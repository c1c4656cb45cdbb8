-- +goose Up

CREATE TABLE knowledge_sources (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE knowledge_items (
    id             uuid PRIMARY KEY,
    source_id      uuid NOT NULL REFERENCES knowledge_sources ON DELETE CASCADE,
    key            text NOT NULL,
    group_key      text NOT NULL, -- shared by the translations of one item
    kind           text NOT NULL DEFAULT 'qa' CHECK (kind IN ('qa')),
    language       text NOT NULL CHECK (language IN ('ru', 'kk', 'en')),
    title          text NOT NULL DEFAULT '',
    question       text NOT NULL DEFAULT '',
    text           text NOT NULL,
    terms          tsvector NOT NULL, -- made by the program: A is title and question, D the text
    question_words integer NOT NULL,
    text_words     integer NOT NULL,
    enabled        boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source_id, key)
);
CREATE INDEX knowledge_items_terms_idx ON knowledge_items USING gin (terms) WHERE enabled;
CREATE INDEX knowledge_items_group_idx ON knowledge_items (source_id, group_key);

-- In how many items each term stands; also the vocabulary that typing errors
-- are corrected against.
CREATE TABLE knowledge_terms (
    term    text COLLATE "C" PRIMARY KEY,
    items   integer NOT NULL,
    initial text COLLATE "C" NOT NULL, -- first letter
    size    integer NOT NULL           -- letters
);
CREATE INDEX knowledge_terms_similar_idx ON knowledge_terms (initial, size);

CREATE TABLE knowledge_totals (
    singleton      boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    items          bigint NOT NULL DEFAULT 0,
    question_words bigint NOT NULL DEFAULT 0,
    text_words     bigint NOT NULL DEFAULT 0
);
INSERT INTO knowledge_totals DEFAULT VALUES;

-- +goose Down

DROP TABLE knowledge_totals;
DROP TABLE knowledge_terms;
DROP TABLE knowledge_items;
DROP TABLE knowledge_sources;
