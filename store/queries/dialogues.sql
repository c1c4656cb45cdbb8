-- name: FindDialogue :one
SELECT id FROM dialogues WHERE channel_id = $1 AND thread_key = $2;

-- name: LockThread :exec
-- Makes two first messages of one thread take turns; held to the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended(sqlc.arg(channel_id)::uuid::text || '/' || sqlc.arg(thread_key)::text, 0));

-- name: LockDialogue :one
SELECT sqlc.embed(d), c.kind AS channel_kind, c.slug AS channel_slug, c.name AS channel_name,
       k.name AS contact_name, k.number AS contact_number, o.name AS assignee_name, clock_timestamp()::timestamptz AS now,
       coalesce((SELECT jsonb_build_object('timers', p.profile->'timers', 'hours', p.profile->'hours', 'time_zone', p.profile->'time_zone')
                 FROM bot_profile p), '{}')::jsonb AS schedule
FROM dialogues d
JOIN channels c ON c.id = d.channel_id
JOIN contacts k ON k.id = d.contact_id
LEFT JOIN operators o ON o.id = d.assignee_id
WHERE d.id = $1
FOR NO KEY UPDATE OF d;

-- name: GetDialogue :one
SELECT sqlc.embed(d), c.kind AS channel_kind, c.slug AS channel_slug, c.name AS channel_name,
       k.name AS contact_name, k.number AS contact_number, o.name AS assignee_name, clock_timestamp()::timestamptz AS now
FROM dialogues d
JOIN channels c ON c.id = d.channel_id
JOIN contacts k ON k.id = d.contact_id
LEFT JOIN operators o ON o.id = d.assignee_id
WHERE d.id = $1;

-- name: SaveDialogue :one
UPDATE dialogues SET
    version = version + 1, mode = $2, epoch = $3, status = $4, handoff_reason = $5, assignee_id = $6, episode_id = $7,
    waiting_since = $8, last_seq = $9, customer_seq = $10, answered_seq = $11, handoff_seq = $12, read_seq = $13,
    unread = $14, last_message_at = $15, last_author = $16, last_preview = $17, handoff_detail = $18, language = coalesce(sqlc.narg(language), language),
    overdue_since = sqlc.narg(overdue_since), snoozed_until = sqlc.narg(snoozed_until), human_at = sqlc.narg(human_at),
    replied_seq = sqlc.arg(replied_seq), follow_up_seq = sqlc.arg(follow_up_seq), timers = sqlc.arg(timers), timer_at = sqlc.narg(timer_at)
WHERE id = $1
RETURNING version;

-- name: InsertDialogue :exec
INSERT INTO dialogues (id, channel_id, contact_id, thread_key, episode_id, language) VALUES ($1, $2, $3, $4, $5, $6);

-- name: FindContact :one
SELECT contact_id FROM identities WHERE channel_id = $1 AND kind = $2 AND value = $3;

-- name: InsertContact :exec
INSERT INTO contacts (id, name) VALUES ($1, $2);

-- name: InsertIdentity :exec
INSERT INTO identities (channel_id, kind, value, contact_id) VALUES ($1, $2, $3, $4);

-- name: InsertEpisode :exec
INSERT INTO episodes (id, dialogue_id, opened_at) VALUES ($1, $2, $3);

-- name: OpenFirstEpisode :exec
INSERT INTO episodes (id, dialogue_id) VALUES ($1, $2);

-- name: CloseEpisode :exec
UPDATE episodes SET closed_at = $2, outcome = $3 WHERE id = $1;

-- name: ReopenEpisode :exec
UPDATE episodes SET closed_at = NULL, outcome = NULL WHERE id = $1;

-- name: EpisodeAnswered :exec
UPDATE episodes SET first_answered_at = $2, first_answered_by = $3 WHERE id = $1 AND first_answered_at IS NULL;

-- name: EpisodeHandedOff :exec
UPDATE episodes SET handoff_reasons = array_append(handoff_reasons, sqlc.arg(reason)::text) WHERE id = $1;

-- name: ListDialogues :many
-- The inbox's list. Planned anew for each call (see Store.ListDialogues), so that only the filters in use count.
SELECT sqlc.embed(d), c.kind AS channel_kind, c.slug AS channel_slug, c.name AS channel_name,
       k.name AS contact_name, k.number AS contact_number, o.name AS assignee_name
FROM dialogues d
JOIN channels c ON c.id = d.channel_id
JOIN contacts k ON k.id = d.contact_id
LEFT JOIN operators o ON o.id = d.assignee_id
WHERE (sqlc.narg(statuses)::text[] IS NULL OR d.status = ANY(sqlc.narg(statuses)::text[]))
  AND (sqlc.narg(mode)::text IS NULL OR d.mode = sqlc.narg(mode)::text)
  AND (sqlc.narg(channel_id)::uuid IS NULL OR d.channel_id = sqlc.narg(channel_id)::uuid)
  AND (sqlc.narg(assignee_id)::uuid IS NULL OR d.assignee_id = sqlc.narg(assignee_id)::uuid)
  AND (NOT sqlc.arg(unassigned)::boolean OR d.assignee_id IS NULL)
  AND (NOT sqlc.arg(unread)::boolean OR d.unread > 0)
  AND (NOT sqlc.arg(waiting)::boolean OR d.waiting_since IS NOT NULL)
  AND (sqlc.narg(matching)::uuid[] IS NULL OR d.id = ANY(sqlc.narg(matching)::uuid[]))
  AND (sqlc.narg(before_at)::timestamptz IS NULL
       OR (d.last_message_at, d.id) < (sqlc.narg(before_at)::timestamptz, sqlc.narg(before_id)::uuid))
ORDER BY d.last_message_at DESC, d.id DESC
LIMIT sqlc.arg(page);

-- name: SearchDialogueIDs :many
-- Dialogues whose customer's name, chat id or messages match, the most recently active of each kind first.
(SELECT d.id FROM contacts k JOIN dialogues d ON d.contact_id = k.id
  WHERE lower(k.name) LIKE '%' || sqlc.arg(pattern)::text || '%' ORDER BY d.last_message_at DESC LIMIT sqlc.arg(page))
UNION
(SELECT d.id FROM contacts k JOIN dialogues d ON d.contact_id = k.id
  WHERE k.number = sqlc.narg(visitor)::bigint LIMIT sqlc.arg(page))
UNION
(SELECT d.id FROM dialogues d WHERE d.thread_key LIKE sqlc.arg(pattern)::text || '%' LIMIT sqlc.arg(page))
UNION
(SELECT d.id FROM dialogues d WHERE d.id = sqlc.narg(dialogue_id)::uuid)
UNION
(SELECT hits.dialogue_id FROM (
    SELECT m.dialogue_id, max(m.created_at) AS newest FROM messages m
    WHERE m.kind IN ('text', 'note') AND message_words(m.text) @@ to_tsquery('simple', sqlc.arg(words)::text)
    GROUP BY m.dialogue_id ORDER BY newest DESC LIMIT sqlc.arg(page)) hits
  WHERE sqlc.arg(words)::text <> '');

-- name: WatchDialogues :many
-- The counters that running replies watch, of all of them at once.
SELECT d.id, d.mode, d.status, d.epoch, d.customer_seq, d.answered_seq,
       EXISTS (SELECT 1 FROM viewers v WHERE v.dialogue_id = d.id AND v.expires_at > now()) AS watched
FROM dialogues d WHERE d.id = ANY(sqlc.arg(ids)::uuid[]);
