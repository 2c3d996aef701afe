//! One connection, many callers: prepared statements, cursors, settings, COPY.
use futures_util::TryStreamExt as _;

use crate::{
    attack::{Attack, Ending, Verdict, Who, code},
    cast::{find, id},
    siege::{Claims, Siege, one, run},
};

/// A generic plan, made once, run for sixteen callers in turn: every row is of the caller's tenant, and as many as it may see.
fn generic_plan(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::Nobody).await.unwrap();
        run(&mut connection, "rollback; set plan_cache_mode = force_generic_plan; prepare mine as select count(*), count(*) filter (where tenant_id = $1) from rbac.principal").await.unwrap();
        let expected = [
            ("t5", 17),
            ("o5", 7),
            ("t1", 1),
            ("p7", 4),
            ("t3", 6),
            ("o1", 1),
            ("t2u", 4),
            ("t4", 17),
        ];
        for turn in 0..16 {
            let (name, all) = expected[turn % expected.len()];
            run(&mut connection, "begin").await.unwrap();
            Claims::of(name).enter(&mut connection).await.unwrap();
            let seen = one(
                &mut connection,
                &format!(
                    "select count(*) || '/' || count(*) filter (where tenant_id <> '{}') from rbac.principal",
                    id(find(name).tenant)
                ),
            )
            .await
            .unwrap();
            let prepared = run(&mut connection, &format!("execute mine('{}')", id(find(name).tenant))).await;
            run(&mut connection, "rollback").await.unwrap();
            if seen != format!("{all}/0") || prepared.is_err() {
                return Verdict::Breach(format!("{name} sees {seen} instead of {all}: {prepared:?}"));
            }
        }
        Verdict::Blocked("16 switches".into())
    })
}

/// What sqlx does: the same text, prepared by the driver, for callers of two tenants.
fn driver_s_statements(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::Nobody).await.unwrap();
        run(&mut connection, "rollback").await.unwrap();
        for turn in 0..16 {
            let name = if turn % 2 == 0 { "t5" } else { "o5" };
            run(&mut connection, "begin").await.unwrap();
            Claims::of(name).enter(&mut connection).await.unwrap();
            let foreign: i64 = sqlx::query_scalar("select count(*) from channels.message where tenant_id <> $1")
                .bind(id(find(name).tenant))
                .fetch_one(&mut connection)
                .await
                .unwrap();
            let own: i64 = sqlx::query_scalar("select count(*) from channels.message where tenant_id = $1")
                .bind(id(find(name).tenant))
                .fetch_one(&mut connection)
                .await
                .unwrap();
            run(&mut connection, "rollback").await.unwrap();
            if foreign != 0 || own == 0 {
                return Verdict::Breach(format!("{name}: {foreign} foreign, {own} own rows"));
            }
        }
        Verdict::Blocked("16 switches".into())
    })
}

/// A cursor kept over the commit holds what its caller saw, and not a row more.
fn held_cursor(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t1")).await.unwrap();
        run(
            &mut connection,
            "declare kept cursor with hold for select 1 from channels.message; commit",
        )
        .await
        .unwrap();
        let kept = run(&mut connection, "fetch all from kept").await.unwrap();
        run(
            &mut connection,
            "close kept; begin; declare late cursor with hold for select 1 from channels.message; commit",
        )
        .await
        .unwrap();
        let late = run(&mut connection, "fetch all from late").await.unwrap();
        Verdict::of(kept == 1 && late == 0, format!("{kept} and {late} rows"))
    })
}

/// A cursor of one caller, read in the transaction of another: it can't outlive its transaction.
fn handed_cursor(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t5")).await.unwrap();
        run(
            &mut connection,
            "declare mine cursor for select 1 from channels.message; commit; begin",
        )
        .await
        .unwrap();
        Claims::of("t1").enter(&mut connection).await.unwrap();
        match run(&mut connection, "fetch all from mine").await {
            Err(error) => Verdict::Blocked(error.to_string()),
            Ok(rows) => Verdict::Breach(format!("{rows} rows")),
        }
    })
}

async fn copied(siege: &Siege, who: Who, statement: &str) -> Result<usize, String> {
    let mut connection = siege.within(who).await.unwrap();
    let stream = connection
        .copy_out_raw(statement)
        .await
        .map_err(|error| error.to_string())?;
    let chunks: Vec<_> = stream.try_collect().await.map_err(|error| error.to_string())?;
    Ok(chunks
        .iter()
        .map(|chunk| chunk.iter().filter(|byte| **byte == b'\n').count())
        .sum())
}

/// COPY obeys the policies.
fn copy_out(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let agent = copied(siege, Who::App("t1"), "copy channels.message (id) to stdout").await;
        let owner = copied(
            siege,
            Who::App("t5"),
            "copy (select id from channels.message) to stdout",
        )
        .await;
        let nobody = copied(siege, Who::Nobody, "copy channels.message to stdout").await;
        Verdict::of(
            agent == Ok(1) && owner == Ok(4) && nobody == Ok(0),
            format!("{agent:?}, {owner:?}, {nobody:?}"),
        )
    })
}

/// COPY into a table with policies is refused, or checked.
fn copy_in(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t4")).await.unwrap();
        let mut copy = match connection
            .copy_in_raw("copy rbac.role_assignment (tenant_id, principal_id, level, granted_by) from stdin")
            .await
        {
            Ok(copy) => copy,
            Err(error) => return Verdict::Blocked(error.to_string()),
        };
        let row = format!("{}\t{}\t5\t{}\n", id("t"), id("tsvc"), id("t4"));
        copy.send(row.as_bytes()).await.unwrap();
        match copy.finish().await {
            Err(error) => Verdict::Blocked(error.to_string()),
            Ok(rows) => Verdict::Breach(format!("{rows} rows")),
        }
    })
}

/// A setting kept on the session is no context for the next caller.
fn sticky_setting(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t5")).await.unwrap();
        let sealed = one(&mut connection, "select current_setting('kg.ctx')").await.unwrap();
        run(
            &mut connection,
            &format!("set session kg.ctx = '{sealed}'; commit; begin"),
        )
        .await
        .unwrap();
        let left = one(&mut connection, "select count(*)::text from channels.message")
            .await
            .unwrap();
        if left != "0" {
            return Verdict::Breach(format!("{left} rows"));
        }
        let entered = Claims::of("t1").enter(&mut connection).await;
        let seen = one(&mut connection, "select count(*)::text from channels.message")
            .await
            .unwrap();
        Verdict::of(
            left == "0" && entered.is_ok() && seen == "1",
            format!("{left}, then {seen} rows"),
        )
    })
}

/// A view or function of an earlier caller would run with its rights: the role can't make one, a cursor variable neither.
fn portal(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t5")).await.unwrap();
        run(
            &mut connection,
            "prepare later as select 1 from channels.message; commit; begin",
        )
        .await
        .unwrap();
        let rows = run(&mut connection, "execute later").await.unwrap();
        Verdict::of(rows == 0, format!("{rows} rows"))
    })
}

pub fn attacks() -> Vec<Attack> {
    let all: [(&'static str, for<'a> fn(&'a Siege) -> Ending<'a>); 8] = [
        ("a generic plan over sixteen callers", generic_plan),
        ("the driver's statements over sixteen callers", driver_s_statements),
        ("a cursor held over the commit", held_cursor),
        ("a cursor of the caller before", handed_cursor),
        ("COPY out", copy_out),
        ("COPY in", copy_in),
        ("a setting kept on the session", sticky_setting),
        ("a statement prepared by the caller before", portal),
    ];
    all.into_iter()
        .map(|(name, run)| code(name, Who::App("t5"), run))
        .collect()
}
