-- name: OpenReplyTurn :one
-- Begins the turn for what is unanswered now, or takes up the one that an earlier attempt began.
INSERT INTO turns (id, dialogue_id, kind, state, epoch, from_seq, to_seq)
VALUES ($1, $2, 'reply', 'running', $3, $4, $5)
ON CONFLICT (dialogue_id, epoch, from_seq) WHERE kind = 'reply'
DO UPDATE SET
    to_seq = CASE turns.state WHEN 'running' THEN excluded.to_seq ELSE turns.to_seq END,
    restarts = turns.restarts + (turns.state = 'running' AND turns.to_seq < excluded.to_seq)::int
RETURNING *;

-- name: OpenSuggestionTurn :one
INSERT INTO turns (id, dialogue_id, kind, state, epoch, from_seq, to_seq, operator_id)
VALUES ($1, $2, 'suggestion', 'running', $3, $4, $5, $6) RETURNING *;

-- name: FinishTurn :one
-- What it spent joins what its failed attempts did, and the day's usage. Alarms are those that are open, which an answer
-- of the model closes.
WITH usage AS (
    INSERT INTO bot_usage (day, shard, calls, tokens, cost_micros)
    SELECT sqlc.arg(day)::date, sqlc.arg(shard)::smallint, sqlc.arg(calls)::bigint,
           sqlc.arg(prompt_tokens)::int + sqlc.arg(completion_tokens)::int, coalesce(sqlc.narg(cost_micros)::bigint, 0)
    WHERE sqlc.arg(calls)::bigint > 0
    ON CONFLICT (day, shard) DO UPDATE SET
        calls = bot_usage.calls + excluded.calls, tokens = bot_usage.tokens + excluded.tokens,
        cost_micros = bot_usage.cost_micros + excluded.cost_micros
)
UPDATE turns SET state = sqlc.arg(state), to_seq = sqlc.arg(to_seq), answer = sqlc.narg(answer), handoff_reason = sqlc.narg(handoff_reason),
    model = sqlc.narg(model), prompt_version = sqlc.narg(prompt_version), sources = sqlc.narg(sources), request = sqlc.narg(request),
    response = sqlc.narg(response), tool_calls = sqlc.narg(tool_calls), cap = sqlc.narg(cap), rounds = sqlc.narg(rounds),
    first_word_ms = sqlc.narg(first_word_ms), model_ms = sqlc.narg(model_ms),
    prompt_tokens = nullif(coalesce(prompt_tokens, 0) + sqlc.arg(prompt_tokens)::int, 0),
    completion_tokens = nullif(coalesce(completion_tokens, 0) + sqlc.arg(completion_tokens)::int, 0),
    tokens_estimated = tokens_estimated OR sqlc.arg(tokens_estimated)::boolean,
    cost_micros = coalesce(cost_micros + coalesce(sqlc.narg(cost_micros)::bigint, 0), sqlc.narg(cost_micros)::bigint),
    currency = coalesce(sqlc.narg(currency), currency), finished_at = now()
WHERE turns.id = sqlc.arg(id)
RETURNING ARRAY(SELECT a.cause FROM alarms a WHERE a.kind = 'model' AND a.closed_at IS NULL)::text[] AS alarms;

-- name: Spend :exec
-- What model calls took that led to no answer: they count for the turn, where they belong to one, and for the day.
WITH usage AS (
    INSERT INTO bot_usage (day, shard, calls, tokens, cost_micros)
    VALUES (sqlc.arg(day)::date, sqlc.arg(shard)::smallint, sqlc.arg(calls)::bigint,
            sqlc.arg(prompt_tokens)::int + sqlc.arg(completion_tokens)::int, coalesce(sqlc.narg(cost_micros)::bigint, 0))
    ON CONFLICT (day, shard) DO UPDATE SET
        calls = bot_usage.calls + excluded.calls, tokens = bot_usage.tokens + excluded.tokens,
        cost_micros = bot_usage.cost_micros + excluded.cost_micros
)
UPDATE turns SET
    prompt_tokens = nullif(coalesce(prompt_tokens, 0) + sqlc.arg(prompt_tokens)::int, 0),
    completion_tokens = nullif(coalesce(completion_tokens, 0) + sqlc.arg(completion_tokens)::int, 0),
    tokens_estimated = tokens_estimated OR sqlc.arg(tokens_estimated)::boolean,
    cost_micros = coalesce(cost_micros + coalesce(sqlc.narg(cost_micros)::bigint, 0), sqlc.narg(cost_micros)::bigint),
    currency = coalesce(sqlc.narg(currency), currency)
WHERE id = sqlc.narg(turn_id)::uuid;

-- name: DayUsage :one
-- What a day has used, and what the answers that are being worded, besides this turn, will have used: each about as much
-- as a call of the last two days.
WITH used AS (
    SELECT coalesce(sum(calls) FILTER (WHERE day = sqlc.arg(day)::date), 0)::bigint AS calls,
           coalesce(sum(tokens) FILTER (WHERE day = sqlc.arg(day)::date), 0)::bigint AS tokens,
           coalesce(sum(cost_micros) FILTER (WHERE day = sqlc.arg(day)::date), 0)::bigint AS cost_micros,
           coalesce(sum(tokens) / nullif(sum(calls), 0), 0)::bigint AS call_tokens,
           coalesce(sum(cost_micros) / nullif(sum(calls), 0), 0)::bigint AS call_cost_micros
    FROM bot_usage WHERE day BETWEEN sqlc.arg(day)::date - 1 AND sqlc.arg(day)::date
), running AS (
    SELECT count(*) AS n FROM turns
    WHERE state = 'running' AND started_at > now() - sqlc.arg(longest)::interval AND id <> sqlc.arg(turn_id)
)
SELECT (calls + n)::bigint AS calls, (tokens + n * call_tokens)::bigint AS tokens, (cost_micros + n * call_cost_micros)::bigint AS cost_micros,
       call_tokens, call_cost_micros
FROM used, running;

-- name: LockDayUsage :exec
-- Lets turns begin one after the other. Under its dialogue's lock; nothing is locked after it.
SELECT pg_advisory_xact_lock(hashtextextended('bot_usage', 0));

-- name: BotState :one
-- What the bot goes by besides the messages: the shop's settings, what the older part of the dialogue came to, how many
-- turns it has had there within a day, and since the dialogue is the bot's: how many answers within ten minutes, and how
-- many within an hour to what the customer writes now. Of a text the beginning is compared, without regard to case and
-- spaces; a short one is not, for people say "ok" often.
WITH said AS (
    SELECT t.id, t.from_seq, t.to_seq, t.started_at FROM turns t
    WHERE t.dialogue_id = sqlc.arg(dialogue_id) AND t.started_at > now() - interval '1 hour' AND t.kind = 'reply'
      AND t.state IN ('drafted', 'answered') AND t.epoch = sqlc.arg(epoch) AND t.id <> sqlc.arg(turn_id)
    LIMIT 1000
), asked AS (
    SELECT m.seq, lower(btrim(regexp_replace(left(m.text, 2000), '\s+', ' ', 'g'))) AS text FROM messages m
    WHERE m.dialogue_id = sqlc.arg(dialogue_id) AND m.seq > sqlc.arg(from_seq) AND m.seq <= sqlc.arg(to_seq) AND m.author = 'customer'
    ORDER BY m.seq DESC LIMIT 20
)
SELECT coalesce((SELECT p.profile FROM bot_profile p), '{}')::jsonb AS profile,
       coalesce(s.up_to_seq, 0)::bigint AS up_to_seq, coalesce(s.text, '')::text AS summary,
       (SELECT count(*) FROM (
            SELECT 1 FROM turns t
            WHERE t.dialogue_id = sqlc.arg(dialogue_id) AND t.started_at > now() - interval '24 hours' AND t.kind = 'reply'
              AND t.state IN ('drafted', 'answered', 'handed_off', 'failed') AND t.cap IS NULL
            LIMIT 10000) AS recent) AS turns,
       (SELECT count(*) FROM said WHERE said.started_at > now() - interval '10 minutes') AS answers,
       coalesce((SELECT max(alike.n) FROM (
            SELECT count(DISTINCT said.id) AS n
            FROM asked
            JOIN said ON length(asked.text) >= sqlc.arg(least_runes)::int
            JOIN messages m ON m.dialogue_id = sqlc.arg(dialogue_id) AND m.seq > said.from_seq AND m.seq <= said.to_seq AND m.author = 'customer'
                AND lower(btrim(regexp_replace(left(m.text, 2000), '\s+', ' ', 'g'))) = asked.text
            GROUP BY asked.seq) AS alike), 0)::bigint AS same_text
FROM (VALUES (1)) AS one LEFT JOIN dialogue_summaries s ON s.dialogue_id = sqlc.arg(dialogue_id);

-- name: SaveSummary :execrows
-- Only forward: of two workers that fold the same dialogue the one that read more wins.
INSERT INTO dialogue_summaries (dialogue_id, up_to_seq, text, model, tokens) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (dialogue_id) DO UPDATE SET
    up_to_seq = excluded.up_to_seq, text = excluded.text, model = excluded.model, tokens = excluded.tokens, updated_at = now()
WHERE dialogue_summaries.up_to_seq < excluded.up_to_seq;

-- name: BotContext :many
-- The newest lines that the bot may read, newest first: what the customer saw and wrote after the summary. Of a text
-- that no prompt has room for, the beginning and the end.
SELECT m.seq, m.author, m.data,
       CASE WHEN length(m.text) <= 24000 THEN m.text ELSE left(m.text, 12000) || E'\n[…]\n' || right(m.text, 12000) END::text AS text
FROM messages m
WHERE m.dialogue_id = $1 AND m.seq > sqlc.arg(after) AND m.kind IN ('text', 'notice') AND m.state <> 'failed'
ORDER BY m.seq DESC LIMIT sqlc.arg(page);

-- name: LoadBotProfile :one
SELECT profile, version, updated_at FROM bot_profile;

-- name: SaveBotProfile :one
-- Only over the version that its editor has read; 0 stands for none.
INSERT INTO bot_profile (profile) SELECT sqlc.arg(profile)::jsonb WHERE sqlc.arg(version)::bigint = 0 OR EXISTS (SELECT 1 FROM bot_profile)
ON CONFLICT (singleton) DO UPDATE SET profile = excluded.profile, version = bot_profile.version + 1, updated_at = now()
WHERE bot_profile.version = sqlc.arg(version)::bigint
RETURNING version, updated_at;

-- name: EndTurn :exec
-- Ends a turn that led to nothing. One that was answered or handed over meanwhile, by another attempt, stays so.
UPDATE turns SET state = $2, cause = $3, error = $4, model = $5, prompt_version = $6, finished_at = now()
WHERE id = $1 AND state IN ('running', 'drafted');

-- name: SupersedeReply :exec
-- Ends the reply turn that was open for a state that the dialogue has left; it can say nothing any more.
UPDATE turns SET state = 'superseded', finished_at = now()
WHERE dialogue_id = $1 AND epoch = $2 AND from_seq = $3 AND kind = 'reply' AND state IN ('running', 'drafted');

-- name: CountAttempt :exec
-- A model call failed; the turn goes on.
UPDATE turns SET attempts = attempts + 1, cause = $2, error = $3 WHERE id = $1;

-- name: GetTurn :one
SELECT * FROM turns WHERE id = $1;

-- name: SetTurnState :exec
UPDATE turns SET state = $2 WHERE id = $1;
