-- name: GetChannelBySlug :one
SELECT * FROM channels WHERE slug = $1;

-- name: GetChannel :one
SELECT * FROM channels WHERE id = $1;

-- name: ListChannels :many
SELECT * FROM channels ORDER BY created_at, id;

-- name: InsertChannel :one
INSERT INTO channels (id, kind, slug, name, settings, secrets, secret_key_id) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *;

-- name: UpdateChannel :one
-- What was wrong is not known to be wrong any more.
UPDATE channels SET name = $2, settings = $3, secrets = $4, secret_key_id = $5,
    disabled_at = CASE WHEN sqlc.arg(enabled)::boolean THEN NULL ELSE coalesce(disabled_at, now()) END, problem = NULL, problem_at = NULL
WHERE id = $1 RETURNING *;

-- name: SetChannelProblem :exec
-- Written only when it changes: many messages may meet the same problem at once.
UPDATE channels SET problem = sqlc.narg(problem), problem_at = CASE WHEN sqlc.narg(problem)::text IS NULL THEN NULL ELSE now() END
WHERE id = $1 AND problem IS DISTINCT FROM sqlc.narg(problem)::text;

-- name: EnsureChannel :exec
INSERT INTO channels (id, kind, slug, name) VALUES ($1, $2, $3, $4) ON CONFLICT (slug) DO NOTHING;

-- name: EnsureBotProfile :exec
INSERT INTO bot_profile (profile) VALUES ($1) ON CONFLICT (singleton) DO NOTHING;

-- name: InsertDeadLetter :exec
INSERT INTO dead_letters (id, channel_id, reason, body) VALUES ($1, $2, $3, $4) ON CONFLICT (channel_id, sha256(body)) DO NOTHING;

-- name: ListDeadLetters :many
-- Of bodies no more than is shown: a page of whole ones may be hundreds of megabytes.
SELECT x.id, x.reason, substring(x.body FROM 1 FOR sqlc.arg(shown_bytes)::int)::bytea AS body, x.received_at, sqlc.embed(c)
FROM dead_letters x JOIN channels c ON c.id = x.channel_id
WHERE sqlc.narg(before_at)::timestamptz IS NULL OR (x.received_at, x.id) < (sqlc.narg(before_at)::timestamptz, sqlc.narg(before_id)::uuid)
ORDER BY x.received_at DESC, x.id DESC LIMIT sqlc.arg(page);

-- name: GetDeadLetter :one
SELECT sqlc.embed(x), sqlc.embed(c) FROM dead_letters x JOIN channels c ON c.id = x.channel_id WHERE x.id = $1;

-- name: SetDeadLetterReason :execrows
UPDATE dead_letters SET reason = $2 WHERE id = $1;

-- name: DeleteDeadLetter :execrows
DELETE FROM dead_letters WHERE id = $1;

-- name: InsertWidgetSession :exec
INSERT INTO widget_sessions (token_hash, id, channel_id, expires_at) VALUES ($1, $2, $3, $4);

-- name: GetWidgetSession :one
-- The session of a token, and the dialogue that its first message began.
SELECT sqlc.embed(s), sqlc.embed(c), d.id AS dialogue_id
FROM widget_sessions s JOIN channels c ON c.id = s.channel_id
LEFT JOIN dialogues d ON d.channel_id = s.channel_id AND d.thread_key = s.id::text
WHERE s.token_hash = $1 AND s.expires_at > now();

-- name: TouchWidgetSession :exec
UPDATE widget_sessions SET seen_at = now(), expires_at = $2 WHERE token_hash = $1;

-- name: DeleteExpiredWidgetSessions :execrows
-- Those that another node is just deleting are left to it.
DELETE FROM widget_sessions WHERE token_hash IN (
    SELECT s.token_hash FROM widget_sessions s WHERE s.expires_at < sqlc.arg(before)::timestamptz
    ORDER BY s.expires_at LIMIT sqlc.arg(page) FOR UPDATE SKIP LOCKED);
