-- name: InsertEvent :exec
INSERT INTO events (kind, audience, dialogue_id, payload) VALUES ($1, $2, $3, $4);

-- name: EventLog :one
SELECT head, pruned FROM event_log;

-- name: LockEventLog :one
-- Whoever gives positions or prunes holds this row, to the end of the transaction.
SELECT head, pruned FROM event_log FOR NO KEY UPDATE;

-- name: HasUnsequencedEvents :one
SELECT EXISTS (SELECT FROM events WHERE position IS NULL);

-- name: SequenceEvents :one
-- Gives the oldest events without a position the positions after head. Under LockEventLog only, and as a statement of its
-- own: its snapshot must be younger than the lock.
WITH batch AS (
    SELECT u.id, row_number() OVER (ORDER BY u.id) AS n
    FROM events u
    WHERE u.position IS NULL AND u.id > sqlc.arg(above_id)::bigint
    ORDER BY u.id
    LIMIT sqlc.arg(batch_size)
), placed AS (
    UPDATE events e SET position = sqlc.arg(head)::bigint + batch.n FROM batch WHERE e.id = batch.id RETURNING e.id
), summary AS (
    SELECT count(*) AS placed, coalesce(max(placed.id), 0)::bigint AS newest_id FROM placed
), advanced AS (
    UPDATE event_log SET head = sqlc.arg(head)::bigint + summary.placed FROM summary WHERE summary.placed > 0
)
SELECT placed, newest_id,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest_running,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next_transaction
FROM summary;

-- name: NotifyEvents :exec
SELECT pg_notify('parley_events', sqlc.arg(head)::bigint::text);

-- name: WakeSequencer :exec
SELECT pg_notify('parley_wake', '');

-- name: PrunableEvents :one
-- Up to which position the log holds nothing but events older than the retention, looking at one batch.
WITH batch AS (
    SELECT position, created_at < now() - sqlc.arg(retention)::interval AS old
    FROM events
    WHERE position > sqlc.arg(pruned)::bigint
    ORDER BY position
    LIMIT sqlc.arg(batch_size)
)
SELECT coalesce(
    (SELECT min(position) - 1 FROM batch WHERE NOT old),
    (SELECT max(position) FROM batch),
    sqlc.arg(pruned)::bigint)::bigint AS up_to;

-- name: PruneEvents :exec
WITH log AS (UPDATE event_log SET pruned = sqlc.arg(up_to)::bigint)
DELETE FROM events WHERE position <= sqlc.arg(up_to)::bigint;

-- name: EventsAfter :many
SELECT coalesce(position, 0)::bigint AS position, kind, audience, dialogue_id, payload, created_at
FROM events
WHERE position > sqlc.arg(after)::bigint AND position <= sqlc.arg(up_to)::bigint
ORDER BY events.position
LIMIT sqlc.arg(page_size);

-- name: CustomerEventsAfter :many
SELECT coalesce(position, 0)::bigint AS position, kind, audience, dialogue_id, payload, created_at
FROM events
WHERE dialogue_id = sqlc.arg(dialogue_id)::uuid AND audience = 'everyone'
  AND position > sqlc.arg(after)::bigint AND position <= sqlc.arg(up_to)::bigint
ORDER BY events.position
LIMIT sqlc.arg(page_size);

-- name: NotifyLive :exec
SELECT pg_notify('parley_live', payload) FROM unnest(sqlc.arg(payloads)::text[]) AS payload;

-- name: ReportViewer :one
-- No row: there is no such dialogue. Before is what the stream had on the screen until now.
WITH target AS (
    SELECT d.id, d.thread_key FROM dialogues d WHERE d.id = sqlc.arg(dialogue_id)
), before AS (
    SELECT w.dialogue_id FROM viewers w WHERE w.stream_id = sqlc.arg(stream_id) AND w.expires_at > now()
), reported AS (
    INSERT INTO viewers AS v (stream_id, operator_id, dialogue_id, expires_at)
    SELECT sqlc.arg(stream_id), sqlc.arg(operator_id), target.id, now() + sqlc.arg(lifetime)::interval
    FROM target
    ON CONFLICT (stream_id) DO UPDATE SET dialogue_id = EXCLUDED.dialogue_id, expires_at = EXCLUDED.expires_at
)
SELECT target.thread_key, before.dialogue_id AS before
FROM target LEFT JOIN before ON true;

-- name: RemoveViewer :many
DELETE FROM viewers WHERE stream_id = $1 RETURNING dialogue_id;

-- name: RemoveExpiredViewers :many
WITH gone AS (DELETE FROM viewers WHERE expires_at <= now() RETURNING dialogue_id)
SELECT DISTINCT dialogue_id FROM gone;

-- name: StreamViewer :one
SELECT dialogue_id FROM viewers WHERE stream_id = $1 AND expires_at > now();

-- name: DialogueViewers :many
-- Who has the dialogue on the screen.
SELECT DISTINCT o.id, o.name
FROM viewers v
JOIN operators o ON o.id = v.operator_id
WHERE v.dialogue_id = $1 AND v.expires_at > now()
ORDER BY o.name, o.id;
