-- name: StartReplay :one
-- No row: one of the same filter runs already.
INSERT INTO replay_batches (id, filter, actor_kind, actor_id, actor_name, total) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (filter) WHERE state = 'running' DO NOTHING
RETURNING *;

-- name: RunningReplayOf :one
SELECT * FROM replay_batches WHERE filter = $1 AND state = 'running';

-- name: GetReplay :one
SELECT * FROM replay_batches WHERE id = $1;

-- name: ListReplays :many
SELECT * FROM replay_batches
WHERE sqlc.narg(before_at)::timestamptz IS NULL OR (started_at, id) < (sqlc.narg(before_at)::timestamptz, sqlc.narg(before_id)::uuid)
ORDER BY started_at DESC, id DESC LIMIT sqlc.arg(page);

-- name: RunningReplays :many
SELECT id FROM replay_batches WHERE state = 'running' ORDER BY started_at, id;

-- name: EndReplay :one
-- No row: it has ended already.
UPDATE replay_batches SET state = sqlc.arg(state), error = sqlc.narg(error), finished_at = now()
WHERE id = sqlc.arg(id) AND state = 'running'
RETURNING *;

-- name: CountToReplay :one
-- How many failed turns of a filter are open.
SELECT count(*) FROM turns t JOIN dialogues d ON d.id = t.dialogue_id
WHERE t.state = 'failed' AND t.kind = 'reply' AND t.replayed_at IS NULL
  AND d.customer_seq > d.answered_seq AND d.answered_seq < t.to_seq
  AND (sqlc.narg(cause)::text IS NULL OR t.cause = sqlc.narg(cause)::text)
  AND (sqlc.narg(channel_id)::uuid IS NULL OR d.channel_id = sqlc.narg(channel_id)::uuid);

-- name: NextToReplay :many
-- The open failed turns of a filter after a place, the longest waiting first, of those that were there when the batch
-- began: what fails again meanwhile is not tried in circles. Planned anew for each call.
SELECT t.id, t.started_at FROM turns t JOIN dialogues d ON d.id = t.dialogue_id
WHERE t.state = 'failed' AND t.kind = 'reply' AND t.replayed_at IS NULL
  AND d.customer_seq > d.answered_seq AND d.answered_seq < t.to_seq
  AND (sqlc.narg(cause)::text IS NULL OR t.cause = sqlc.narg(cause)::text)
  AND (sqlc.narg(channel_id)::uuid IS NULL OR d.channel_id = sqlc.narg(channel_id)::uuid)
  AND t.started_at < sqlc.arg(until)
  AND (sqlc.narg(after_at)::timestamptz IS NULL OR (t.started_at, t.id) > (sqlc.narg(after_at)::timestamptz, sqlc.narg(after_id)::uuid))
ORDER BY t.started_at, t.id LIMIT sqlc.arg(page);

-- name: AdvanceReplay :execrows
-- Counts one turn, once: only while the batch runs, and only forward.
UPDATE replay_batches SET replayed = replayed + sqlc.arg(replayed), skipped = skipped + sqlc.arg(skipped),
    after_at = sqlc.arg(after_at)::timestamptz, after_id = sqlc.arg(after_id)::uuid
WHERE id = sqlc.arg(id) AND state = 'running'
  AND (after_at IS NULL OR (after_at, after_id) < (sqlc.arg(after_at)::timestamptz, sqlc.arg(after_id)::uuid));

-- name: ReplaysUnanswered :one
-- How many turns that were replayed lately the bot still has to answer. Those that take longer hold up nothing.
SELECT count(*) FROM turns t JOIN dialogues d ON d.id = t.dialogue_id
WHERE t.replayed_at > now() - sqlc.arg(within)::interval AND t.replay_outcome = 'returned_to_bot'
  AND d.mode = 'bot' AND d.status <> 'closed' AND d.answered_seq < t.to_seq;
