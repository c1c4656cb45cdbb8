-- name: GetOperatorByEmail :one
SELECT * FROM operators WHERE lower(email) = lower($1);

-- name: GetOperator :one
SELECT * FROM operators WHERE id = $1;

-- name: ListOperators :many
SELECT * FROM operators WHERE disabled_at IS NULL ORDER BY name, id;

-- name: CountAdmins :one
SELECT count(*) FROM operators WHERE role = 'admin' AND disabled_at IS NULL;

-- name: InsertOperator :one
INSERT INTO operators (id, email, name, role, password_hash) VALUES ($1, $2, $3, $4, $5) RETURNING *;

-- name: SetPassword :exec
UPDATE operators SET password_hash = $2 WHERE id = $1;

-- name: InsertOperatorSession :exec
INSERT INTO operator_sessions (token_hash, operator_id, expires_at) VALUES ($1, $2, $3);

-- name: GetOperatorBySession :one
SELECT o.* FROM operator_sessions s JOIN operators o ON o.id = s.operator_id
WHERE s.token_hash = $1 AND s.expires_at > now() AND o.disabled_at IS NULL;

-- name: DeleteOperatorSession :one
DELETE FROM operator_sessions WHERE token_hash = $1 RETURNING operator_id;

-- name: DeleteExpiredSessions :exec
DELETE FROM operator_sessions WHERE expires_at < now();

-- name: InsertAPIToken :exec
INSERT INTO api_tokens (id, token_hash, operator_id, name, prefix) VALUES ($1, $2, $3, $4, $5);

-- name: GetOperatorByAPIToken :one
SELECT sqlc.embed(o), t.used_at FROM api_tokens t JOIN operators o ON o.id = t.operator_id WHERE t.token_hash = $1 AND o.disabled_at IS NULL;

-- name: TouchAPIToken :exec
UPDATE api_tokens SET used_at = now() WHERE token_hash = $1;

-- name: ListAPITokens :many
SELECT * FROM api_tokens WHERE operator_id = $1 ORDER BY created_at, id;

-- name: DeleteAPIToken :one
DELETE FROM api_tokens WHERE id = $1 AND operator_id = $2 RETURNING *;

-- name: DeleteOtherAPITokens :many
DELETE FROM api_tokens WHERE operator_id = $1 AND token_hash IS DISTINCT FROM sqlc.narg(kept)::bytea RETURNING *;

-- name: ValidLogins :many
-- Which of these sessions and API tokens still let somebody in, and with what rights.
SELECT s.token_hash, o.role FROM operator_sessions s JOIN operators o ON o.id = s.operator_id
WHERE s.token_hash = ANY(sqlc.arg(token_hashes)::bytea[]) AND s.expires_at > now() AND o.disabled_at IS NULL
UNION ALL
SELECT t.token_hash, o.role FROM api_tokens t JOIN operators o ON o.id = t.operator_id
WHERE t.token_hash = ANY(sqlc.arg(token_hashes)::bytea[]) AND o.disabled_at IS NULL;
