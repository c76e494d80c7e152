-- Version 1 of what CapFence keeps in a PostgreSQL database. `capfence migrate` runs it in one transaction; so can
-- `psql --single-transaction --file`. It needs the right to create a schema in the database, and makes three roles if it
-- may create roles: capfence_owner, capfence_appender and capfence_reader.

DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'the database is encoded in %, and the text of entries is UTF-8. Use a database with ENCODING UTF8',
      current_setting('server_encoding') USING ERRCODE = 'feature_not_supported';
  END IF;
END
$$;

CREATE SCHEMA capfence;

CREATE TABLE capfence.migrations (
  version integer PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now()
);

-- The logs of this database, each a chain of its own. A row is locked while entries are appended to its log. `latest` is
-- the latest time that any entry has since the last one about approvals; NULL while there is no such entry, '' right after it.
CREATE TABLE capfence.logs (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  identity text COLLATE "C" NOT NULL UNIQUE,
  latest text COLLATE "C"
);

-- The bytes of `body` are the truth, `hash` is their SHA-256, and `kind` is taken from them. An entry about approvals has in
-- `passed` the latest time of all since the one about approvals before it: a request that an entry has outlived is over,
-- though a clock steps back, and so nobody need read the entries between. Only capfence.append adds rows.
CREATE TABLE capfence.entries (
  log integer NOT NULL,
  seq bigint NOT NULL,
  hash text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  body text COLLATE "C" NOT NULL,
  passed text COLLATE "C",
  PRIMARY KEY (log, seq)
);

CREATE INDEX entries_approvals ON capfence.entries (log, seq) WHERE kind IN ('approval', 'grant');

-- Which entries came by which append, for a writer that lost its connection and has to know. Kept for an hour.
CREATE TABLE capfence.appends (
  log integer NOT NULL,
  first bigint NOT NULL,
  id uuid NOT NULL UNIQUE,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (log, first)
);

-- Decisions for people. NUL can't be shown in a text of PostgreSQL, so it appears as U+FFFD.
CREATE VIEW capfence.decisions (log, seq, timestamp, agent_id, capability, decision, reason) AS
SELECT name, seq, replace(left(content ->> 'ts', 19), 'T', ' '), content ->> 'actor', content ->> 'capability',
  content ->> 'decision', content ->> 'reason'
FROM (
  SELECT logs.name, seq, replace(body, chr(92) || 'u0000', chr(92) || 'ufffd')::jsonb AS content
  FROM capfence.entries JOIN capfence.logs ON logs.id = log WHERE kind = 'decision'
) AS entry;

-- Keeps everybody else from appending to a log until the transaction ends, and answers where the log stands. For its
-- arguments and errors see capfence.append. Runs with the rights and settings of the functions below, which call it.
CREATE FUNCTION capfence.locked(
  log_name text, known_seq bigint, known_hash text, wait_ms integer,
  OUT log integer, OUT identity text, OUT latest text, OUT seq bigint, OUT hash text
) LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' OR pg_client_encoding() <> 'UTF8' THEN
    RAISE EXCEPTION 'entries are appended as UTF-8, at the isolation level READ COMMITTED' USING ERRCODE = 'CF004';
  END IF;
  -- Acknowledged means durable, whatever the session was set to.
  IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM set_config('lock_timeout', wait_ms::text, true);
  SELECT logs.id, logs.identity, logs.latest INTO log, identity, latest
    FROM capfence.logs WHERE logs.name = log_name FOR NO KEY UPDATE;
  IF log IS NULL THEN
    RAISE EXCEPTION 'there is no log of that name' USING ERRCODE = 'CF001';
  END IF;
  SELECT entries.seq, entries.hash INTO seq, hash
    FROM capfence.entries WHERE entries.log = locked.log ORDER BY entries.seq DESC LIMIT 1;
  IF known_seq >= 0 AND (seq = known_seq AND hash = known_hash) IS NOT TRUE THEN
    -- Apart, since a condition with a query in it is always a query of its own.
    PERFORM FROM capfence.entries
      WHERE entries.log = locked.log AND entries.seq = known_seq AND entries.hash = known_hash;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'entry % is not there as it was recorded', known_seq USING ERRCODE = 'CF002';
    END IF;
  END IF;
  seq := coalesce(seq, -1);
  hash := coalesce(hash, repeat('0', 64));
END
$$;

-- The same, for what is decided while nobody else appends: the transaction goes on after it.
CREATE FUNCTION capfence.lock_log(
  log_name text, known_seq bigint, known_hash text, wait_ms integer,
  OUT log integer, OUT identity text, OUT latest text, OUT seq bigint, OUT hash text
) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM capfence.locked(log_name, known_seq, known_hash, wait_ms)
$$;

-- The entries of a log about approvals behind entry `after`, in order: what is decided under the lock depends on them.
CREATE FUNCTION capfence.approvals_after(log_id integer, after bigint)
RETURNS TABLE (seq bigint, hash text, body text, passed text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT entries.seq, entries.hash, entries.body, entries.passed FROM capfence.entries
    WHERE entries.log = log_id AND entries.seq > after AND entries.kind IN ('approval', 'grant') ORDER BY entries.seq
$$;

-- Appends entries, one for each template, in one step: all of them are there when the transaction commits, or none.
-- A template is an entry's canonical JSON with U+001E for its number and U+001F for the hash of the entry before it; these
-- are filled in here, where nobody else can come in between. Answered are the number of the first, the hash before it and
-- the hash of the last, which all the others go into.
--
-- No two appends have one id; `again` says that this one may have been done already, and then it answers what was done;
-- without templates, it only answers that, or nothing. `known_seq` and `known_hash` are an entry that the caller knows to
-- be there (-1 for none).
--
-- Errors: CF001 there is no such log; CF002 what is there contradicts what the caller knows; CF003 not an entry;
-- CF004 the transaction's isolation would hide what others have appended, or the session's encoding change what is.
CREATE FUNCTION capfence.append(
  log_name text, append_id uuid, again boolean, templates text[], known_seq bigint, known_hash text, wait_ms integer,
  OUT first bigint, OUT previous text, OUT last text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
<<append>>
DECLARE
  head record;
  next_seq bigint;
  template text;
  body text;
  content jsonb;
  kind text;
  latest text COLLATE "C";
  passed text;
  is_awaited boolean := false;
BEGIN
  head := capfence.locked(log_name, known_seq, known_hash, wait_ms);
  IF again THEN
    SELECT appends.first INTO first FROM capfence.appends WHERE appends.id = append_id;
    IF first IS NOT NULL THEN
      SELECT entries.hash INTO previous FROM capfence.entries WHERE entries.log = head.log AND entries.seq = first - 1;
      SELECT entries.hash INTO last FROM capfence.entries
        WHERE entries.log = head.log AND entries.seq = first + cardinality(templates) - 1;
      RETURN;
    END IF;
  END IF;
  IF templates = '{}' THEN
    RETURN;
  END IF;

  first := head.seq + 1;
  previous := head.hash;
  last := previous;
  next_seq := first;
  latest := head.latest;
  FOREACH template IN ARRAY templates LOOP
    body := replace(replace(template, chr(30), next_seq::text), chr(31), last);
    -- A NUL is no character of PostgreSQL's, not even in JSON.
    content := replace(body, chr(92) || 'u0000', chr(92) || 'ufffd')::jsonb;
    kind := content ->> 'kind';
    IF (content -> 'seq' = to_jsonb(next_seq) AND content ->> 'prev' = last AND content ->> 'log' = head.identity
        AND jsonb_typeof(content -> 'kind') = 'string' AND jsonb_typeof(content -> 'ts') = 'string'
        AND jsonb_typeof(content -> 'v') = 'number'
        AND (kind = 'genesis') = (next_seq = 0)) IS NOT TRUE THEN
      RAISE EXCEPTION 'not an entry that can follow entry %', next_seq - 1 USING ERRCODE = 'CF003';
    END IF;
    IF kind IN ('approval', 'grant') THEN
      is_awaited := true;
      passed := coalesce(latest, '');
      latest := '';
    ELSE
      passed := NULL;
      IF latest IS NOT NULL THEN
        latest := greatest(latest, content ->> 'ts');
      END IF;
    END IF;
    last := encode(sha256(convert_to(body, 'UTF8')), 'hex');
    INSERT INTO capfence.entries (log, seq, hash, kind, body, passed)
      VALUES (head.log, next_seq, last, append.kind, append.body, append.passed);
    next_seq := next_seq + 1;
  END LOOP;

  INSERT INTO capfence.appends (log, first, id) VALUES (head.log, append.first, append_id);
  IF latest IS DISTINCT FROM head.latest THEN
    UPDATE capfence.logs SET latest = append.latest WHERE logs.id = head.log;
  END IF;
  IF first / 1024 <> next_seq / 1024 THEN
    DELETE FROM capfence.appends WHERE appends.log = head.log AND appends.at < now() - interval '1 hour'
      AND appends.first IN (
        SELECT old.first FROM capfence.appends AS old WHERE old.log = head.log ORDER BY old.first LIMIT 2048
      );
  END IF;
  -- Notifying makes commits of the whole server wait for one another, so it is done only for what people wait for.
  IF is_awaited THEN
    PERFORM pg_notify('capfence', head.identity);
  END IF;
END
$$;

-- Answers where the log of that name stands; makes it, with that identity and genesis entry, if there is none.
CREATE FUNCTION capfence.open_log(
  log_name text, new_identity text, genesis text, wait_ms integer,
  OUT identity text, OUT seq bigint, OUT hash text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  log_id integer;
BEGIN
  PERFORM set_config('lock_timeout', wait_ms::text, true);
  SELECT logs.id, logs.identity INTO log_id, identity FROM capfence.logs WHERE logs.name = log_name;
  IF log_id IS NULL THEN
    INSERT INTO capfence.logs (name, identity) VALUES (log_name, new_identity) ON CONFLICT (name) DO NOTHING
      RETURNING id INTO log_id;
    IF log_id IS NOT NULL THEN
      PERFORM capfence.append(log_name, gen_random_uuid(), false, ARRAY[genesis], -1, '', wait_ms);
    END IF;
    SELECT logs.id, logs.identity INTO STRICT log_id, identity FROM capfence.logs WHERE logs.name = log_name;
  END IF;
  SELECT entries.seq, entries.hash INTO seq, hash
    FROM capfence.entries WHERE entries.log = log_id ORDER BY entries.seq DESC LIMIT 1;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA capfence FROM PUBLIC;

-- Who may do what. Give these roles to the users that agents, auditors and the ones who upgrade connect as.
DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['capfence_owner', 'capfence_appender', 'capfence_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
      EXCEPTION
        -- Somebody else makes it for another database at the same time.
        WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
  END LOOP;
  -- Since PostgreSQL 16, who makes a role may give it to others, but is no member that could act as it.
  IF NOT pg_has_role(
    'capfence_owner', CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END
  ) THEN
    GRANT capfence_owner TO CURRENT_USER;
  END IF;
  GRANT USAGE ON SCHEMA capfence TO capfence_appender, capfence_reader;
  GRANT SELECT ON capfence.migrations TO capfence_appender, capfence_reader;
  GRANT EXECUTE ON FUNCTION
    capfence.open_log(text, text, text, integer),
    capfence.append(text, uuid, boolean, text[], bigint, text, integer),
    capfence.lock_log(text, bigint, text, integer),
    capfence.approvals_after(integer, bigint)
    TO capfence_appender;
  GRANT SELECT ON capfence.logs, capfence.entries, capfence.decisions TO capfence_reader;
  ALTER SCHEMA capfence OWNER TO capfence_owner;
  ALTER TABLE capfence.migrations OWNER TO capfence_owner;
  ALTER TABLE capfence.logs OWNER TO capfence_owner;
  ALTER TABLE capfence.entries OWNER TO capfence_owner;
  ALTER TABLE capfence.appends OWNER TO capfence_owner;
  ALTER VIEW capfence.decisions OWNER TO capfence_owner;
  ALTER FUNCTION capfence.append(text, uuid, boolean, text[], bigint, text, integer) OWNER TO capfence_owner;
  ALTER FUNCTION capfence.locked(text, bigint, text, integer) OWNER TO capfence_owner;
  ALTER FUNCTION capfence.lock_log(text, bigint, text, integer) OWNER TO capfence_owner;
  ALTER FUNCTION capfence.approvals_after(integer, bigint) OWNER TO capfence_owner;
  ALTER FUNCTION capfence.open_log(text, text, text, integer) OWNER TO capfence_owner;
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE NOTICE 'the roles capfence_owner, capfence_appender and capfence_reader were not made: this user may not make roles';
END
$$;

INSERT INTO capfence.migrations (version) VALUES (1);
