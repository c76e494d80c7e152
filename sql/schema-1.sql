-- Version 1 of what CapFence keeps in a PostgreSQL database. `capfence migrate` runs it in one transaction; so can
-- `psql --single-transaction --file`. It needs the right to create a schema in the database, and makes three roles if it
-- may create roles: capfence_owner, capfence_appender and capfence_reader.
--
-- It is not final before version 0.1.0 of CapFence is released: a database in which an earlier build has made the schema has to be
-- dropped, or its schema with all the logs in it.

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
  identity text COLLATE "C" NOT NULL UNIQUE CHECK (identity ~ '^[0-9a-f]{32}$'),
  latest text COLLATE "C"
);

-- The bytes of `body` are the truth, `hash` is their SHA-256, and `kind` is taken from them. An entry about approvals has in
-- `passed` the latest time of all since the one about approvals before it: a request that an entry has outlived is over,
-- though a clock steps back, and so nobody need read the entries between. The first entry of an append has the append's id, for
-- a writer that lost its connection and has to know whether it was done. Only capfence.append adds rows.
CREATE TABLE capfence.entries (
  log integer NOT NULL,
  seq bigint NOT NULL,
  hash text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  body text COLLATE "C" NOT NULL,
  passed text COLLATE "C",
  append uuid,
  PRIMARY KEY (log, seq)
);

CREATE INDEX entries_approvals ON capfence.entries (log, seq) WHERE kind IN ('approval', 'grant');

CREATE UNIQUE INDEX entries_appends ON capfence.entries (append) WHERE append IS NOT NULL;

-- Decisions for people. NUL can't be shown in a text of PostgreSQL, so it appears as U+FFFD.
CREATE VIEW capfence.decisions (log, seq, timestamp, agent_id, capability, decision, reason) AS
SELECT name, seq, replace(left(content ->> 'ts', 19), 'T', ' '), content ->> 'actor', content ->> 'capability',
  content ->> 'decision', content ->> 'reason'
FROM (
  SELECT logs.name, seq, replace(body, chr(92) || 'u0000', chr(92) || 'ufffd')::jsonb AS content
  FROM capfence.entries JOIN capfence.logs ON logs.id = log WHERE kind = 'decision'
) AS entry;

-- Appends entries, one for each template, in one step: all of them are there when the transaction commits, or none.
-- A template is an entry's canonical JSON with U+001E for its number and U+001F for the hash of the entry before it; these
-- are filled in here, where nobody else can come in between. U+001D is between two templates. Answered are the number of the
-- first entry, the hash before it and the hash of the last, which all the others go into, with spaces between.
--
-- No two appends have one id; `again` says that this one may have been done already, and then it answers what was done.
-- Without templates, it answers that or, if it was not done, an empty text; and if not `again`, where the log stands: the number
-- of an entry to come, and twice the hash before it. Nobody else appends to the log until the transaction ends.
-- `known_seq` and `known_hash` are an entry that the caller knows to be there (-1 for none).
--
-- Errors: CF001 there is no such log; CF002 what is there contradicts what the caller knows; CF003 not an entry;
-- CF004 the transaction's isolation would hide what others have appended, or the session's encoding change what is.
--
-- Each expression and each statement is made ready anew in every transaction, which is what most of the time goes into. Plans
-- are kept as long as a session lives, so none is made that reads a whole table, because that is small when the session begins.
CREATE FUNCTION capfence.append(
  log_name text, append_id uuid, again boolean, templates text, known_seq bigint, known_hash text, wait_ms integer
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
<<append>>
DECLARE
  setting text;
  log integer;
  identity text;
  latest text COLLATE "C";
  former_latest text COLLATE "C";
  seq bigint;
  hash text;
  first bigint;
  previous text;
  answer text;
  template text;
  body text;
  content jsonb;
  kind text;
  passed text;
  is_awaited boolean := false;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' OR pg_client_encoding() <> 'UTF8' THEN
    RAISE EXCEPTION 'entries are appended as UTF-8, at the isolation level READ COMMITTED' USING ERRCODE = 'CF004';
  END IF;
  -- Acknowledged means durable, whatever the session was set to. That the wait for a standby was cancelled is said in a warning,
  -- at the commit.
  IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')
      OR current_setting('client_min_messages') NOT IN ('notice', 'warning') THEN
    setting := set_config('synchronous_commit',
      CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true);
    setting := set_config('client_min_messages', 'warning', true);
  END IF;
  setting := set_config('lock_timeout', wait_ms::text, true);

  SELECT logs.id, logs.identity, logs.latest, logs.latest INTO log, identity, latest, former_latest
    FROM capfence.logs WHERE logs.name = log_name FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no log of that name' USING ERRCODE = 'CF001';
  END IF;
  -- Apart, so that it sees what was appended while the lock was waited for.
  SELECT entries.seq, entries.hash INTO seq, hash
    FROM capfence.entries WHERE entries.log = append.log ORDER BY entries.seq DESC LIMIT 1;
  IF known_seq >= 0 AND (seq = known_seq AND hash = known_hash) IS NOT TRUE THEN
    -- Apart, since a condition with a query in it is always a query of its own.
    PERFORM FROM capfence.entries
      WHERE entries.log = append.log AND entries.seq = known_seq AND entries.hash = known_hash;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'entry % is not there as it was recorded', known_seq USING ERRCODE = 'CF002';
    END IF;
  END IF;
  IF seq IS NULL THEN
    seq := -1;
    hash := repeat('0', 64);
  END IF;

  IF again THEN
    SELECT entries.seq INTO first FROM capfence.entries WHERE entries.append = append_id AND entries.log = append.log;
    IF first IS NOT NULL THEN
      SELECT entries.hash INTO previous FROM capfence.entries WHERE entries.log = append.log AND entries.seq = first - 1;
      SELECT entries.hash INTO hash FROM capfence.entries
        WHERE entries.log = append.log AND entries.seq = first + cardinality(string_to_array(templates, chr(29))) - 1;
      RETURN concat(first, ' ', previous, ' ', hash);
    ELSIF templates = '' THEN
      RETURN '';
    END IF;
  END IF;

  answer := concat(seq + 1, ' ', hash, ' ');
  FOREACH template IN ARRAY string_to_array(templates, chr(29)) LOOP
    seq := seq + 1;
    body := replace(replace(template, chr(30), seq::text), chr(31), hash);
    -- A NUL is no character of PostgreSQL's, not even in JSON.
    content := replace(body, chr(92) || 'u0000', chr(92) || 'ufffd')::jsonb;
    kind := content ->> 'kind';
    IF (content -> 'seq' = to_jsonb(seq) AND content ->> 'prev' = hash AND content ->> 'log' = identity
        AND content ->> 'ts' ~ '^[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}[.][0-9]{3}Z$'
        AND jsonb_typeof(content -> 'kind') = 'string' AND jsonb_typeof(content -> 'v') = 'number'
        AND (kind = 'genesis') = (seq = 0)) IS NOT TRUE THEN
      RAISE EXCEPTION 'not an entry that can follow entry %', seq - 1 USING ERRCODE = 'CF003';
    END IF;
    IF kind IN ('approval', 'grant') THEN
      is_awaited := true;
      passed := coalesce(latest, '');
      latest := '';
    ELSIF latest IS NOT NULL THEN
      passed := NULL;
      latest := greatest(latest, content ->> 'ts');
    END IF;
    hash := encode(sha256(convert_to(body, 'UTF8')), 'hex');
    INSERT INTO capfence.entries (log, seq, hash, kind, body, passed, append)
      VALUES (append.log, append.seq, append.hash, append.kind, append.body, append.passed, append_id);
    append_id := NULL;
  END LOOP;

  IF latest IS DISTINCT FROM former_latest THEN
    UPDATE capfence.logs SET latest = append.latest WHERE logs.id = append.log;
  END IF;
  -- Notifying makes commits of the whole server wait for one another, so it is done only for what people wait for.
  IF is_awaited THEN
    PERFORM pg_notify('capfence', identity);
  END IF;
  RETURN answer || hash;
END
$$;

-- The entries of a log about approvals behind entry `after_seq`, in order, no more of them than `most`, and none once those
-- before have `most_bytes`. When there are no more, a last row without a body says where the log ends, and in `passed` the
-- latest time that any entry has since the last one about approvals: what is decided under the log's lock depends on it.
--
-- `after_hash` is what entry `after_seq` was found to have (-1 for none): whoever goes on from there knows all before it, as
-- long as that is still the same log. Errors: CF001 and CF002, as above.
CREATE FUNCTION capfence.approvals_after(
  log_name text, after_seq bigint, after_hash text, most integer, most_bytes integer
) RETURNS TABLE (seq bigint, hash text, body text, passed text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- What is left is to follow an index in its order, so that a page never costs more than what is on it.
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  log_id integer;
  latest text;
BEGIN
  SELECT logs.id, logs.latest INTO log_id, latest FROM capfence.logs WHERE logs.name = log_name;
  IF log_id IS NULL THEN
    RAISE EXCEPTION 'there is no log of that name' USING ERRCODE = 'CF001';
  END IF;
  IF after_seq >= 0 THEN
    PERFORM FROM capfence.entries
      WHERE entries.log = log_id AND entries.seq = after_seq AND entries.hash = after_hash;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'entry % is not there as it was recorded', after_seq USING ERRCODE = 'CF002';
    END IF;
  END IF;
  FOR seq, hash, body, passed IN
    -- An entry whose text somebody has taken away is none that can be passed over, nor the end.
    SELECT entries.seq, entries.hash, coalesce(entries.body, ''), entries.passed FROM capfence.entries
      WHERE entries.log = log_id AND entries.seq > after_seq AND entries.kind IN ('approval', 'grant')
      ORDER BY entries.seq LIMIT most
  LOOP
    IF most_bytes <= 0 THEN
      RETURN;
    END IF;
    RETURN NEXT;
    most := most - 1;
    most_bytes := most_bytes - octet_length(body);
  END LOOP;
  IF most > 0 THEN
    RETURN QUERY SELECT entries.seq, entries.hash, NULL, latest
      FROM capfence.entries WHERE entries.log = log_id ORDER BY entries.seq DESC LIMIT 1;
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
  IF coalesce(genesis, '') = '' THEN
    RAISE EXCEPTION 'a log begins with a genesis entry' USING ERRCODE = 'CF003';
  END IF;
  PERFORM set_config('lock_timeout', wait_ms::text, true);
  SELECT logs.id, logs.identity INTO log_id, identity FROM capfence.logs WHERE logs.name = log_name;
  IF log_id IS NULL THEN
    INSERT INTO capfence.logs (name, identity) VALUES (log_name, new_identity) ON CONFLICT (name) DO NOTHING
      RETURNING id INTO log_id;
    IF log_id IS NOT NULL THEN
      PERFORM capfence.append(log_name, gen_random_uuid(), false, genesis, -1, '', wait_ms);
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
    capfence.append(text, uuid, boolean, text, bigint, text, integer),
    capfence.approvals_after(text, bigint, text, integer, integer)
    TO capfence_appender;
  GRANT SELECT ON capfence.logs, capfence.entries, capfence.decisions TO capfence_reader;
  ALTER SCHEMA capfence OWNER TO capfence_owner;
  ALTER TABLE capfence.migrations OWNER TO capfence_owner;
  ALTER TABLE capfence.logs OWNER TO capfence_owner;
  ALTER TABLE capfence.entries OWNER TO capfence_owner;
  ALTER VIEW capfence.decisions OWNER TO capfence_owner;
  ALTER FUNCTION capfence.append(text, uuid, boolean, text, bigint, text, integer) OWNER TO capfence_owner;
  ALTER FUNCTION capfence.approvals_after(text, bigint, text, integer, integer) OWNER TO capfence_owner;
  ALTER FUNCTION capfence.open_log(text, text, text, integer) OWNER TO capfence_owner;
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE NOTICE 'the roles capfence_owner, capfence_appender and capfence_reader were not made: this user may not make roles';
END
$$;

INSERT INTO capfence.migrations (version) VALUES (1);
