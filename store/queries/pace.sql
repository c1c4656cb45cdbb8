-- name: ReserveSlot :one
-- Reserves the account's next slot (GCRA: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm) and says how long
-- to wait for it. No row: the provider asked for a pause.
INSERT INTO channel_pace AS p (channel_id, next_at)
VALUES (sqlc.arg(channel_id), clock_timestamp() - sqlc.arg(burst)::interval + sqlc.arg(every)::interval)
ON CONFLICT (channel_id) DO UPDATE
SET next_at = greatest(p.next_at, clock_timestamp() - sqlc.arg(burst)::interval) + sqlc.arg(every)::interval
WHERE p.blocked_until IS NULL OR p.blocked_until <= clock_timestamp()
RETURNING greatest(p.next_at - sqlc.arg(every)::interval - clock_timestamp(), interval '0')::interval AS wait;

-- name: PauseLeft :one
-- How long the provider's pause still lasts.
SELECT greatest(blocked_until - clock_timestamp(), interval '0')::interval AS wait FROM channel_pace
WHERE channel_id = $1 AND blocked_until IS NOT NULL;

-- name: PauseChannel :exec
INSERT INTO channel_pace AS p (channel_id, next_at, blocked_until)
VALUES ($1, clock_timestamp(), clock_timestamp() + sqlc.arg(pause)::interval)
ON CONFLICT (channel_id) DO UPDATE SET blocked_until = greatest(p.blocked_until, excluded.blocked_until);

-- name: TakeSpareSlot :execrows
-- Takes a slot only when one is free right now, for what may as well not be sent.
INSERT INTO channel_pace AS p (channel_id, next_at)
VALUES (sqlc.arg(channel_id), clock_timestamp() + sqlc.arg(every)::interval)
ON CONFLICT (channel_id) DO UPDATE SET next_at = greatest(p.next_at, clock_timestamp() - sqlc.arg(burst)::interval) + sqlc.arg(every)::interval
WHERE (p.blocked_until IS NULL OR p.blocked_until <= clock_timestamp()) AND p.next_at <= clock_timestamp() - sqlc.arg(burst)::interval / 2;
