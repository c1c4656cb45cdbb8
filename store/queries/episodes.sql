-- name: StuckSends :many
-- Dialogues with messages that have waited to leave since, although their channel works: any of them, so that some that
-- stay so do not hide the others. waiting: a human is told already.
SELECT m.dialogue_id, bool_or(d.waiting_since IS NOT NULL)::boolean AS waiting FROM messages m JOIN channels c ON c.id = m.channel_id JOIN dialogues d ON d.id = m.dialogue_id
WHERE m.state IN ('queued', 'sending') AND CASE m.state WHEN 'sending' THEN m.begun_at ELSE m.created_at END < sqlc.arg(since)::timestamptz
  AND c.problem IS NULL AND c.disabled_at IS NULL
GROUP BY m.dialogue_id ORDER BY random() LIMIT sqlc.arg(page);

-- name: StuckReplies :many
-- Dialogues that the bot holds and has not answered since, and that no bell is about: any of them, so that some that
-- stay so do not hide the others.
SELECT d.id FROM dialogues d
WHERE d.mode = 'bot' AND d.status = 'open' AND d.customer_seq > d.answered_seq AND d.last_message_at < sqlc.arg(since)::timestamptz
  AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.dialogue_id = d.id)
ORDER BY random() LIMIT sqlc.arg(page);

-- name: LateTimers :many
-- Dialogues with a timer that should have come to something since: any of them, so that some that stay so do not hide
-- the others.
SELECT d.id FROM dialogues d
WHERE d.timer_at < sqlc.arg(since)::timestamptz AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.dialogue_id = d.id)
ORDER BY random() LIMIT sqlc.arg(page);
