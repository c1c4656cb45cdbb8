-- name: HoldLease :execrows
-- Takes or renews a lease; no row is changed while another process holds it.
INSERT INTO channel_leases AS l (channel_id, holder, expires_at)
VALUES ($1, $2, clock_timestamp() + sqlc.arg(term)::interval)
ON CONFLICT (channel_id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE l.holder = excluded.holder OR l.expires_at <= clock_timestamp();

-- name: DropLease :exec
DELETE FROM channel_leases WHERE channel_id = $1 AND holder = $2;
