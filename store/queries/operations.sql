-- name: Backlog :one
-- What waits, for all nodes together; asked by whoever scrapes the metrics, so no count goes on without an end.
SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) o)::bigint AS bells,
       (SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM outbox)::float8 AS oldest_seconds,
       (SELECT count(*) FROM (SELECT FROM events WHERE position IS NULL LIMIT 100000) e)::bigint AS unsequenced,
       (SELECT head FROM event_log)::bigint AS events,
       (SELECT count(*) FROM (SELECT FROM dead_letters LIMIT 100000) x)::bigint AS dead_letters,
       ARRAY(SELECT cause FROM alarms WHERE closed_at IS NULL)::text[] AS alarms;

-- name: LockAdmins :many
-- The admins who may log in, held to the end of the transaction: two of them cannot disable each other at once.
SELECT id FROM operators WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id FOR UPDATE;

-- name: UpdateOperator :one
UPDATE operators SET name = $2, role = $3, disabled_at = CASE WHEN sqlc.arg(disabled)::bool THEN coalesce(disabled_at, now()) END
WHERE id = $1 RETURNING *;

-- name: LockOperator :one
SELECT * FROM operators WHERE id = $1 FOR UPDATE;

-- name: ListAllOperators :many
SELECT * FROM operators ORDER BY disabled_at IS NOT NULL, name, id;

-- name: DeleteOtherSessions :exec
DELETE FROM operator_sessions WHERE operator_id = $1 AND token_hash IS DISTINCT FROM sqlc.narg(kept)::bytea;
