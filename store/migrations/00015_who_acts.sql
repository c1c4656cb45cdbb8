-- +goose Up
-- A customer's message gives a closed dialogue back to the bot.
ALTER TABLE audit DROP CONSTRAINT audit_actor_kind_check;
ALTER TABLE audit ADD CONSTRAINT audit_actor_kind_check CHECK (actor_kind IN ('operator', 'command', 'bot', 'customer'));

-- +goose Down
ALTER TABLE audit DROP CONSTRAINT audit_actor_kind_check;
DELETE FROM audit WHERE actor_kind = 'customer';
ALTER TABLE audit ADD CONSTRAINT audit_actor_kind_check CHECK (actor_kind IN ('operator', 'command', 'bot'));
