-- Whom a provider vouched for: an owner who removes it ends their sessions. The service's role reads no account of a directory, so
-- this says who, and nothing else, and to an owner of the tenant alone.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_sec;
CREATE FUNCTION gate.people_of_issuer(p_issuer text) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.principal_id FROM sso.account a WHERE a.tenant_id = (SELECT gate.tenant(5, 5)) AND a.issuer = p_issuer $$;
GRANT EXECUTE ON FUNCTION gate.people_of_issuer(text) TO kg_app;
RESET ROLE;
