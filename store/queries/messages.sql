-- name: InsertMessage :one
INSERT INTO messages (id, dialogue_id, channel_id, episode_id, seq, author, kind, text, data, state, operator_id, turn_id, part, client_id, provider_message_id, raw, created_at, begun_at, send_attempt)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, CASE $10::text WHEN 'sending' THEN $17::timestamptz END, CASE $10::text WHEN 'sending' THEN 1 ELSE 0 END)
RETURNING *;

-- name: FindInbound :one
-- The message that this delivery, or an earlier copy of it, made.
SELECT * FROM messages WHERE channel_id = $1 AND provider_message_id = $2;

-- name: FindByClientID :one
SELECT * FROM messages WHERE dialogue_id = $1 AND author = $2 AND client_id = $3;

-- name: GetMessage :one
SELECT sqlc.embed(m), o.name AS operator_name FROM messages m LEFT JOIN operators o ON o.id = m.operator_id WHERE m.id = $1;

-- name: ListMessagesAfter :many
SELECT sqlc.embed(m), o.name AS operator_name
FROM messages m LEFT JOIN operators o ON o.id = m.operator_id
WHERE m.dialogue_id = sqlc.arg(dialogue_id) AND m.seq > sqlc.arg(after)
ORDER BY m.seq LIMIT sqlc.arg(page);

-- name: ListMessagesBefore :many
-- Newest first.
SELECT sqlc.embed(m), o.name AS operator_name
FROM messages m LEFT JOIN operators o ON o.id = m.operator_id
WHERE m.dialogue_id = sqlc.arg(dialogue_id) AND m.seq < sqlc.arg(before)
ORDER BY m.seq DESC LIMIT sqlc.arg(page);

-- name: NewestCustomerMessages :many
-- Newest first.
SELECT * FROM messages WHERE dialogue_id = $1 AND kind IN ('text', 'notice') ORDER BY seq DESC LIMIT sqlc.arg(page);

-- name: CustomerMessagesAfter :many
SELECT * FROM messages WHERE dialogue_id = $1 AND kind IN ('text', 'notice') AND seq > sqlc.arg(after) ORDER BY seq LIMIT sqlc.arg(page);

-- name: GetPending :one
-- What is unanswered, and when the oldest and the newest of it came.
SELECT d.mode, d.status, d.epoch, d.customer_seq, d.answered_seq, d.version, d.timer_at, clock_timestamp()::timestamptz AS now,
       coalesce((SELECT min(m.created_at) FROM messages m WHERE m.dialogue_id = d.id AND m.seq > d.answered_seq AND m.author = 'customer'), now())::timestamptz AS first,
       coalesce((SELECT m.created_at FROM messages m WHERE m.dialogue_id = d.id AND m.seq = d.customer_seq), now())::timestamptz AS last
FROM dialogues d WHERE d.id = $1;

-- name: CountUnread :one
SELECT count(*) FROM messages WHERE dialogue_id = $1 AND author = 'customer' AND seq > sqlc.arg(read_seq);

-- name: BotSendsUnderWay :many
-- The bot's messages that a provider is being given, or was given a moment ago without our knowing whether it took them.
SELECT id, state FROM messages
WHERE dialogue_id = $1 AND (author = 'bot' OR kind = 'notice' AND turn_id IS NULL) AND (state = 'sending' OR state = 'unconfirmed' AND begun_at > now() - sqlc.arg(unsettled)::interval)
ORDER BY seq;

-- name: NextOutgoing :one
-- The oldest message that still has to leave.
SELECT sqlc.embed(m), sqlc.embed(c), d.thread_key
FROM messages m JOIN dialogues d ON d.id = m.dialogue_id JOIN channels c ON c.id = m.channel_id
WHERE m.dialogue_id = $1 AND m.state IN ('queued', 'sending') ORDER BY m.seq LIMIT 1;

-- name: Draft :one
-- A turn's answer that waits to leave, and where to.
SELECT sqlc.embed(t), sqlc.embed(c), d.thread_key
FROM turns t JOIN dialogues d ON d.id = t.dialogue_id JOIN channels c ON c.id = d.channel_id WHERE t.id = $1;

-- name: BeginSending :one
-- Only one of several attempts begins.
UPDATE messages SET state = 'sending', begun_at = clock_timestamp(), send_attempt = send_attempt + 1, error = NULL
WHERE id = $1 AND state = 'queued' RETURNING send_attempt;

-- name: PartSent :execrows
UPDATE messages SET parts_sent = $2 WHERE id = $1 AND send_attempt = $3 AND state = 'sending';

-- name: BeginPart :execrows
UPDATE messages SET begun_at = clock_timestamp() WHERE id = $1 AND send_attempt = $2 AND state = 'sending';

-- name: SetMessageState :execrows
-- States never go backwards: what the provider has taken stays sent, whatever an attempt that knew less says later.
UPDATE messages SET state = sqlc.arg(state), error = sqlc.narg(error), provider_message_id = coalesce(sqlc.narg(provider_message_id), provider_message_id)
WHERE id = sqlc.arg(id) AND state NOT IN ('sent', 'delivered', 'read');

-- name: HoldMessage :execrows
-- Says why a queued message does not leave yet.
UPDATE messages SET error = sqlc.narg(error) WHERE id = sqlc.arg(id) AND state = 'queued' AND error IS DISTINCT FROM sqlc.narg(error);

-- name: QueueAgain :execrows
-- An operator has decided to send it again: from its beginning when nobody knows what arrived, else what is missing.
UPDATE messages SET state = 'queued', error = NULL, operator_id = coalesce(operator_id, sqlc.arg(operator_id)),
    parts_sent = CASE state WHEN 'failed' THEN parts_sent ELSE 0 END
WHERE id = sqlc.arg(id) AND state IN ('failed', 'unconfirmed');

-- name: QueuedBotAnswers :many
-- Answers of the bot that wait to leave, newest first. One that an operator has decided to send is theirs.
SELECT sqlc.embed(m), sqlc.embed(t) FROM messages m JOIN turns t ON t.id = m.turn_id
WHERE m.dialogue_id = $1 AND m.author = 'bot' AND m.state = 'queued' AND m.operator_id IS NULL ORDER BY m.seq DESC;

-- name: RecallFollowUps :many
-- Takes back what a silent customer was to be asked and that no provider was given.
UPDATE messages SET state = 'failed', error = sqlc.arg(error)::text
WHERE dialogue_id = sqlc.arg(dialogue_id) AND kind = 'notice' AND turn_id IS NULL AND operator_id IS NULL AND state = 'queued'
RETURNING id;

-- name: OperatorWroteAfter :one
SELECT EXISTS (SELECT FROM messages WHERE dialogue_id = $1 AND author = 'operator' AND kind = 'text' AND seq > sqlc.arg(after));

-- name: EditMessage :exec
UPDATE messages SET text = $2, data = $3 WHERE id = $1;

-- name: LastBlocking :one
-- The newest line that says whether the customer takes messages.
SELECT (data ->> 'type')::text AS type FROM messages
WHERE dialogue_id = $1 AND kind = 'event' AND data ->> 'type' IN ('blocked', 'unblocked') ORDER BY seq DESC LIMIT 1;

-- name: MarkReceived :many
-- Receipts of the customer's screen. States never go backwards.
UPDATE messages SET state = CASE WHEN seq <= sqlc.arg(read)::bigint THEN 'read' ELSE 'delivered' END
WHERE dialogue_id = $1 AND author IN ('bot', 'operator') AND kind = 'text'
  AND ((state = 'sent' AND seq <= greatest(sqlc.arg(delivered)::bigint, sqlc.arg(read)::bigint))
    OR (state = 'delivered' AND seq <= sqlc.arg(read)::bigint))
RETURNING id;

-- name: HasUnsent :one
-- Whether messages wait to leave.
SELECT EXISTS (SELECT 1 FROM messages m WHERE m.dialogue_id = $1 AND m.state IN ('queued', 'sending'));
