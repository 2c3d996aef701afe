//! The database's own walls, tried from inside it.
use keepgate_tests::{Server, eventually, message};

/// A service whose first tenant has sent messages, and its owner.
async fn busy() -> (Server, String) {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    for n in 0..5 {
        server.accept(&server.key(), message(&to, &n.to_string())).await;
    }
    (server, owner)
}

/// Everything that was logged, in one line: changes with every changed, added or removed row.
async fn fingerprint(server: &Server) -> String {
    let of = |table: &str| {
        format!("select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from audit.{table} t")
    };
    server
        .superuser(&[of("entry"), of("opening"), of("leaf"), of("log")].join(" union all "))
        .await
}

#[tokio::test]
async fn no_role_changes_or_removes_what_was_logged() {
    let (server, owner) = busy().await;
    server.whole_log(&owner).await;
    // Nobody asks for anything from here on, so that the log stands still once the last entries are numbered.
    let unnumbered =
        "select count(*) from audit.entry e where not exists (select from audit.leaf l where l.entry_id = e.id)";
    eventually("a log at rest", || async {
        (server.superuser(unnumbered).await == "0").then_some(())
    })
    .await;
    let before = fingerprint(&server).await;
    let partition = "select relid::regclass from pg_partition_tree('audit.entry') where isleaf limit 1";
    let partition = server.superuser(partition).await;
    for role in ["kg_app", "kg_owner", "superuser"] {
        for sql in [
            "update audit.entry set outcome = 'refused', reason = 'x'",
            "delete from audit.entry",
            "truncate audit.entry",
            "truncate audit.entry, audit.opening, audit.leaf, audit.tile, audit.checkpoint, audit.head, audit.log",
            "update audit.leaf set leaf_hash = sha256('')",
            "delete from audit.leaf",
            "delete from audit.checkpoint",
            &format!("truncate {partition}"),
            &format!("update {partition} set outcome = 'refused', reason = 'x'"),
        ] {
            let ended = server.sql(role, sql).await;
            // Row-level security shows the owner of the tables no row, so that there is nothing to change for it.
            let blind = role == "kg_owner" && !sql.starts_with("truncate");
            assert!(ended.code != Some(0) || blind, "{role}: {sql}: {}", ended.out);
            assert_eq!(fingerprint(&server).await, before, "{role}: {sql}");
        }
    }
}

#[tokio::test]
async fn a_change_without_an_entry_does_not_commit_even_for_the_superuser() {
    let (server, _) = busy().await;
    for sql in [
        "update rbac.principal set status = 'disabled'",
        "update rbac.tenant set status = 'suspended' where kind = 'customer'",
        "update rbac.role_assignment set level = 7",
        "update identity.api_key set revoked_at = now()",
        "delete from channels.recipient",
    ] {
        let ended = server.sql("superuser", sql).await;
        assert_ne!(ended.code, Some(0), "{sql}");
    }
}

#[tokio::test]
async fn the_service_s_own_role_sees_nothing_without_a_signed_context() {
    let (server, owner) = busy().await;
    for table in [
        "audit.entry",
        "channels.message",
        "channels.recipient",
        "rbac.principal",
        "identity.api_key",
        "identity.session",
    ] {
        let ended = server
            .sql("kg_app", &format!("select count(*) from {table}"))
            .await
            .expect(0);
        assert_eq!(ended.out.trim(), "0", "{table}");
    }
    let tenant = server
        .superuser("select id from rbac.tenant where kind = 'customer'")
        .await;
    let forged = format!(
        "begin; select set_config('kg.ctx', '{tenant}|ses|{tenant}|{tenant}|5|-|{}', true); select count(*) from channels.message; rollback",
        "0".repeat(64)
    );
    let ended = server.sql("kg_app", &forged).await;
    // Where the server lets us, the role can't even set the context; where not, a forged one is none.
    let none = ended.code == Some(0) && ended.out.trim().lines().last() == Some("0");
    assert!(
        none || ended.err.contains("permission denied"),
        "{}{}",
        ended.out,
        ended.err
    );
    assert_ne!(
        server
            .sql(
                "kg_app",
                "insert into rbac.tenant (id, name, kind) values (gen_random_uuid(), 't', 'customer')"
            )
            .await
            .code,
        Some(0)
    );
    assert!(server.admits(&owner).await);
}
