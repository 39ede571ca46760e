-- The source of users, and what Debezium needs to read it.
CREATE TABLE IF NOT EXISTS public.users
(
    user_id bigserial PRIMARY KEY,
    full_name text NOT NULL,
    email text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Deletes and key changes carry the whole old row.
ALTER TABLE public.users REPLICA IDENTITY FULL;

-- In the publication but in no topic: an update of it moves the slot on while users is idle.
CREATE TABLE IF NOT EXISTS public.debezium_heartbeat
(
    id int PRIMARY KEY,
    ts timestamptz NOT NULL DEFAULT now()
);

INSERT INTO public.debezium_heartbeat (id) VALUES (1) ON CONFLICT DO NOTHING;

CREATE SCHEMA IF NOT EXISTS tidemark;

-- Positions of two replication slots do not compare, nor do a snapshot and the changes before it: whoever makes a
-- connector begin anew raises the epoch of its source, and the epoch leads every version.
CREATE TABLE IF NOT EXISTS tidemark.source_epochs
(
    source text PRIMARY KEY,
    epoch int NOT NULL CHECK (epoch > 0),
    cut_pending boolean NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now()
);

CREATE PUBLICATION ${publication} FOR TABLE public.users, public.debezium_heartbeat;

GRANT USAGE ON SCHEMA public TO ${replication_user};

GRANT SELECT ON public.users TO ${replication_user};

GRANT SELECT, INSERT, UPDATE ON public.debezium_heartbeat TO ${replication_user};
