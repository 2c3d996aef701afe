-- Entries that stand alone, such as refusals, many with one commit: a flood of them must not cost a flush each.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_sec;
-- As gate.append_entry, for one of Keepgate's own workers, which names whom it acts for. All or nothing; the answer is in the
-- order of the entries. A key that several of them bring along is kept once.
CREATE FUNCTION gate.append_entries(p_id uuid[], p_action text[], p_entity text[], p_outcome text[], p_reason text[], p_request uuid[],
  p_source_c bytea[], p_actor_type text[], p_actor uuid[], p_occurred timestamptz[], p_key uuid[], p_sealed bytea[], p_kek text[], p_wrapped bytea[])
RETURNS TABLE (recorded_at timestamptz, leaf_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE home uuid := gate.worker(); stored int;
BEGIN
  IF home IS NULL THEN RAISE EXCEPTION 'kg: only a worker writes several' USING ERRCODE = '42501'; END IF;
  IF cardinality(p_id) NOT BETWEEN 1 AND 1000 THEN RAISE EXCEPTION 'kg: between 1 and 1000 entries' USING ERRCODE = '22023'; END IF;
  IF EXISTS (SELECT FROM unnest(p_source_c, p_key, p_sealed) n(c, k, s) WHERE n.s IS NOT NULL AND (n.c IS NULL OR n.k IS NULL))
    THEN RAISE EXCEPTION 'kg: an opening of nothing' USING ERRCODE = '42501'; END IF;
  INSERT INTO keys.subject_key (tenant_id, id, subject, kek, wrapped)
    SELECT DISTINCT ON (n.k) home, n.k, coalesce(n.a, home), n.kek, n.w FROM unnest(p_key, p_actor, p_kek, p_wrapped, p_sealed) n(k, a, kek, w, s)
     WHERE n.w IS NOT NULL AND n.s IS NOT NULL ON CONFLICT DO NOTHING;
  INSERT INTO audit.sealed_opening (tenant_id, key_id, entry_id, field, sealed)
    SELECT home, n.k, n.e, 'source', n.s FROM unnest(p_id, p_key, p_actor, p_sealed) n(e, k, a, s)
      JOIN keys.subject_key k ON k.tenant_id = home AND k.id = n.k AND k.subject = coalesce(n.a, home) WHERE n.s IS NOT NULL;
  RETURN QUERY INSERT INTO audit.entry AS e (tenant_id, id, actor_type, actor_id, action, entity, outcome, reason, request_id, source_c, occurred_at, opening_key, leaf, leaf_hash)
    SELECT home, n.id, coalesce(n.at, 'system'), coalesce(n.a, home), n.act, n.ent, n.o, n.r, n.q, n.c, n.t, CASE WHEN n.s IS NOT NULL THEN n.k END, '', ''
      FROM unnest(p_id, p_actor_type, p_actor, p_action, p_entity, p_outcome, p_reason, p_request, p_source_c, p_occurred, p_key, p_sealed)
        WITH ORDINALITY n(id, at, a, act, ent, o, r, q, c, t, k, s, nth) ORDER BY n.nth
    RETURNING e.recorded_at, e.leaf_hash;
  GET DIAGNOSTICS stored = ROW_COUNT;
  IF stored <> cardinality(p_id) THEN RAISE EXCEPTION 'kg: an entry was not stored' USING ERRCODE = 'KG002'; END IF;
END $$;
GRANT EXECUTE ON FUNCTION gate.append_entries(uuid[], text[], text[], text[], text[], uuid[], bytea[], text[], uuid[], timestamptz[], uuid[], bytea[], text[], bytea[]) TO kg_app, kg_auth;
-- The same in one statement, which is a transaction by itself: the claims come along.
CREATE FUNCTION gate.append_group(p_claims text, p_sig bytea, p_id uuid[], p_action text[], p_entity text[], p_outcome text[], p_reason text[], p_request uuid[],
  p_source_c bytea[], p_actor_type text[], p_actor uuid[], p_occurred timestamptz[], p_key uuid[], p_sealed bytea[], p_kek text[], p_wrapped bytea[])
RETURNS TABLE (recorded_at timestamptz, leaf_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM gate.enter(p_claims, p_sig);
  RETURN QUERY SELECT a.recorded_at, a.leaf_hash FROM gate.append_entries(p_id, p_action, p_entity, p_outcome, p_reason, p_request, p_source_c,
    p_actor_type, p_actor, p_occurred, p_key, p_sealed, p_kek, p_wrapped) a;
END $$;
GRANT EXECUTE ON FUNCTION gate.append_group(text, bytea, uuid[], text[], text[], text[], text[], uuid[], bytea[], text[], uuid[], timestamptz[], uuid[], bytea[], text[], bytea[]) TO kg_app, kg_auth;
RESET ROLE;
