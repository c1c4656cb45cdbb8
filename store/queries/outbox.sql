-- name: Ring :one
-- Leaves word for the dialogue's workflow. Rings that wait already are kept, in order, each once.
INSERT INTO outbox (dialogue_id, rings, epoch, mode, customer_seq, answered_seq, due_at, to_send)
VALUES ($1, ARRAY[sqlc.arg(ring)::text], $2, $3, $4, $5, now() + sqlc.arg(grace)::interval,
    EXISTS (SELECT 1 FROM messages m WHERE m.dialogue_id = $1 AND m.state IN ('queued', 'sending')))
ON CONFLICT (dialogue_id) DO UPDATE SET
    version = nextval('outbox_version'),
    rings = CASE WHEN outbox.rings @> excluded.rings THEN outbox.rings ELSE outbox.rings || excluded.rings END,
    epoch = excluded.epoch, mode = excluded.mode, customer_seq = excluded.customer_seq, answered_seq = excluded.answered_seq,
    to_send = excluded.to_send, due_at = excluded.due_at
RETURNING version, rings, to_send;

-- name: TakeDueRings :many
-- Leases what is due, so that relays on several nodes do not ring the same bell.
UPDATE outbox o SET due_at = now() + sqlc.arg(lease)::interval
FROM (SELECT x.dialogue_id FROM outbox x WHERE x.due_at <= now() ORDER BY x.due_at LIMIT sqlc.arg(page) FOR UPDATE SKIP LOCKED) due,
     dialogues d JOIN channels c ON c.id = d.channel_id JOIN contacts k ON k.id = d.contact_id
WHERE o.dialogue_id = due.dialogue_id AND d.id = o.dialogue_id
RETURNING sqlc.embed(o), d.version AS dialogue_version, d.timer_at, c.kind AS channel_kind, c.slug AS channel_slug, k.name AS contact_name, k.number AS contact_number;

-- name: DeleteRings :exec
-- Forgets rings that the engine has taken, unless something rang since.
DELETE FROM outbox o USING (SELECT unnest(sqlc.arg(dialogue_ids)::uuid[]) AS dialogue_id, unnest(sqlc.arg(versions)::bigint[]) AS version) done
WHERE o.dialogue_id = done.dialogue_id AND o.version = done.version;
