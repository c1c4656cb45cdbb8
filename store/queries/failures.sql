-- name: ListTurns :many
-- Planned anew for each call, so that only the filters in use count. Whose customers still wait is found from the few
-- dialogues that wait for an answer, not from all that ever failed.
SELECT sqlc.embed(t), sqlc.embed(d), c.kind AS channel_kind, c.slug AS channel_slug, c.name AS channel_name,
       k.name AS contact_name, k.number AS contact_number, o.name AS replayed_by_name,
       coalesce((SELECT m.text FROM messages m WHERE m.dialogue_id = t.dialogue_id AND m.seq = t.to_seq), '')::text AS question
FROM turns t
JOIN dialogues d ON d.id = t.dialogue_id
JOIN channels c ON c.id = d.channel_id
JOIN contacts k ON k.id = d.contact_id
LEFT JOIN operators o ON o.id = t.replayed_by
WHERE (sqlc.narg(kind)::text IS NULL OR t.kind = sqlc.narg(kind)::text)
  AND (sqlc.narg(state)::text IS NULL OR t.state = sqlc.narg(state)::text)
  AND (sqlc.narg(cause)::text IS NULL OR t.cause = sqlc.narg(cause)::text)
  AND (sqlc.narg(prompt_version)::text IS NULL OR t.prompt_version = sqlc.narg(prompt_version)::text)
  AND (sqlc.narg(model)::text IS NULL OR t.model = sqlc.narg(model)::text)
  AND (sqlc.narg(channel_id)::uuid IS NULL OR d.channel_id = sqlc.narg(channel_id)::uuid)
  AND (sqlc.narg(dialogue_id)::uuid IS NULL OR t.dialogue_id = sqlc.narg(dialogue_id)::uuid)
  AND (sqlc.narg(since)::timestamptz IS NULL OR t.started_at >= sqlc.narg(since)::timestamptz)
  AND (sqlc.narg(until)::timestamptz IS NULL OR t.started_at < sqlc.narg(until)::timestamptz)
  AND (NOT sqlc.arg(open)::boolean OR t.replayed_at IS NULL)
  AND (NOT sqlc.arg(open)::boolean OR d.customer_seq > d.answered_seq)
  AND (NOT sqlc.arg(open)::boolean OR d.answered_seq < t.to_seq)
  AND (sqlc.narg(before_at)::timestamptz IS NULL OR (t.started_at, t.id) < (sqlc.narg(before_at)::timestamptz, sqlc.narg(before_id)::uuid))
ORDER BY t.started_at DESC, t.id DESC LIMIT sqlc.arg(page);

-- name: CountFailedTurns :many
-- By cause: how many failed since then, and of how many, ever, the customer still waits.
SELECT x.cause::text AS cause, sum(x.failed)::bigint AS failed, sum(x.open)::bigint AS open FROM (
    SELECT coalesce(t.cause, 'internal') AS cause, count(*) AS failed, 0 AS open FROM turns t
    WHERE t.state = 'failed' AND t.kind = 'reply' AND t.finished_at > sqlc.arg(since)
    GROUP BY 1
    UNION ALL
    SELECT coalesce(t.cause, 'internal'), 0, count(*) FROM turns t JOIN dialogues d ON d.id = t.dialogue_id
    WHERE t.state = 'failed' AND t.kind = 'reply' AND t.replayed_at IS NULL
      AND d.customer_seq > d.answered_seq AND d.answered_seq < t.to_seq
    GROUP BY 1
) x
GROUP BY 1 ORDER BY 2 DESC, 1;

-- name: HumanSince :one
-- Whether an operator has written to the customer or left a note after a message.
SELECT EXISTS (SELECT 1 FROM messages WHERE dialogue_id = $1 AND seq > sqlc.arg(seq) AND author = 'operator');

-- name: MarkReplayed :execrows
-- Once: of two who replay a turn at the same time one does.
UPDATE turns SET replayed_at = now(), replayed_by = sqlc.narg(replayed_by), replay_outcome = sqlc.arg(outcome)::text
WHERE id = sqlc.arg(id) AND state = 'failed' AND replayed_at IS NULL;

-- name: ReplayOf :one
SELECT t.replayed_at, t.replay_outcome, o.name AS replayed_by_name FROM turns t LEFT JOIN operators o ON o.id = t.replayed_by WHERE t.id = $1;
