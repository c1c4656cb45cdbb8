-- name: AlarmIsOpen :one
SELECT EXISTS (SELECT FROM alarms WHERE kind = 'model' AND cause = $1 AND closed_at IS NULL);

-- name: LockAlarm :exec
-- Lets failures of one cause count each other; held to the end of the transaction. Nothing is locked after it.
SELECT pg_advisory_xact_lock(hashtextextended('alarm/' || sqlc.arg(cause)::text, 0));

-- name: OpenAlarm :one
-- Opens an alarm when so many turns have failed within a time, not counting those of the alarm before. No row: too few
-- have, or one is open.
WITH since AS (
    SELECT greatest(now() - sqlc.arg(within)::interval, (SELECT max(a.closed_at) FROM alarms a WHERE a.cause = sqlc.arg(cause)::text)) AS at
), failed AS (
    SELECT t.finished_at, since.at AS since FROM turns t, since
    WHERE t.state = 'failed' AND t.kind = 'reply' AND t.cause = sqlc.arg(cause)::text AND t.finished_at > since.at
)
INSERT INTO alarms (id, kind, cause, opened_at, counts_from)
SELECT sqlc.arg(id), 'model', sqlc.arg(cause)::text, min(finished_at), min(since) FROM failed HAVING count(*) >= sqlc.arg(least)::bigint
ON CONFLICT (kind, cause) WHERE closed_at IS NULL DO NOTHING
RETURNING id;

-- name: CloseAlarms :many
-- Closes the open alarms of these causes, of which no turn has failed since the call began that shows it; took is how
-- long ago that was. Whoever closes one at the same time does it: nobody waits.
WITH closing AS (
    SELECT a.id, a.cause, a.counts_from FROM alarms a
    WHERE a.closed_at IS NULL AND a.kind = 'model' AND a.cause = ANY(sqlc.arg(causes)::text[])
      AND NOT EXISTS (
          SELECT FROM turns t
          WHERE t.state = 'failed' AND t.kind = 'reply' AND t.cause = a.cause AND t.finished_at > now() - sqlc.arg(took)::interval)
    FOR UPDATE SKIP LOCKED
), failed AS (
    SELECT c.id, max(t.finished_at) AS last_at, count(t.id) AS turns, count(DISTINCT t.dialogue_id) AS dialogues
    FROM closing c LEFT JOIN turns t ON t.state = 'failed' AND t.kind = 'reply' AND t.cause = c.cause AND t.finished_at > c.counts_from
    GROUP BY c.id
)
UPDATE alarms a SET closed_at = clock_timestamp(), closed_by = 'recovered', last_at = f.last_at, count = f.turns, dialogues = f.dialogues
FROM failed f WHERE a.id = f.id AND a.closed_at IS NULL
RETURNING a.id;

-- name: CloseAlarm :execrows
UPDATE alarms a SET closed_at = clock_timestamp(), closed_by = 'operator', operator_id = sqlc.arg(operator_id)::uuid,
    (last_at, count, dialogues) = (
        SELECT max(t.finished_at), count(*), count(DISTINCT t.dialogue_id) FROM turns t
        WHERE t.state = 'failed' AND t.kind = 'reply' AND t.cause = a.cause AND t.finished_at > a.counts_from)
WHERE a.id = sqlc.arg(id) AND a.closed_at IS NULL;

-- name: RecentAlarms :many
-- Of each cause the alarm that is open, else the one that was closed last, if that is not long ago.
SELECT DISTINCT ON (a.kind, a.cause) a.id FROM alarms a
WHERE a.closed_at IS NULL OR a.closed_at > now() - sqlc.arg(recent)::interval
ORDER BY a.kind, a.cause, a.closed_at DESC NULLS FIRST;

-- name: LoadAlarms :many
-- Alarms with what their turns tell, those that are open first. Waiting are the dialogues whose customers nobody has
-- answered since, whenever it was.
SELECT a.id, a.kind, a.cause, a.opened_at, a.closed_at, a.closed_by, a.operator_id, o.name AS operator_name,
       coalesce(a.last_at, f.last_at, a.opened_at)::timestamptz AS last_at, coalesce(a.count, f.turns)::bigint AS turns,
       coalesce(a.dialogues, f.dialogues)::bigint AS dialogues,
       (SELECT count(DISTINCT t.dialogue_id) FROM turns t JOIN dialogues d ON d.id = t.dialogue_id
        WHERE t.state = 'failed' AND t.kind = 'reply' AND t.replayed_at IS NULL AND t.cause = a.cause
          AND d.customer_seq > d.answered_seq AND d.answered_seq < t.to_seq)::bigint AS waiting
FROM alarms a
LEFT JOIN operators o ON o.id = a.operator_id
LEFT JOIN LATERAL (
    SELECT max(t.finished_at) AS last_at, count(*) AS turns, count(DISTINCT t.dialogue_id) AS dialogues FROM turns t
    WHERE a.closed_at IS NULL AND t.state = 'failed' AND t.kind = 'reply' AND t.cause = a.cause AND t.finished_at > a.counts_from
) f ON true
WHERE a.id = ANY(sqlc.arg(ids)::uuid[])
ORDER BY a.closed_at DESC NULLS FIRST, a.opened_at;

-- name: HoldProbe :many
-- Takes or renews the lease on probing the model while there is something to probe it for, and says for which causes.
-- No row: there is nothing, or another process does it.
WITH open AS (
    SELECT cause FROM alarms WHERE kind = 'model' AND closed_at IS NULL AND cause = ANY(sqlc.arg(causes)::text[])
), lease AS (
    INSERT INTO leases AS l (name, holder, expires_at)
    SELECT 'model_probe', sqlc.arg(holder)::text, clock_timestamp() + sqlc.arg(term)::interval WHERE EXISTS (SELECT FROM open)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
    WHERE l.holder = excluded.holder OR l.expires_at <= clock_timestamp()
    RETURNING l.name
)
SELECT open.cause FROM open, lease ORDER BY open.cause;
