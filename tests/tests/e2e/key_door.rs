//! Where a key may come from, and how it gets a name that no other has.
use keepgate_tests::{Options, Server};
use reqwest::Method;
use serde_json::json;

async fn from(server: &Server, key: &str, forwarded: Option<&str>) -> u16 {
    let headers: Vec<(&str, &str)> = forwarded.map(|list| ("x-forwarded-for", list)).into_iter().collect();
    server
        .raw(Method::GET, &server.url("/v1/me"), Some(key), &headers, None)
        .await
        .status
}

/// The tests' connections come from 127.0.0.1.
#[tokio::test]
async fn a_key_s_networks_are_compared_with_the_address_that_a_trusted_proxy_vouches_for() {
    let body = |networks: &str| json!({"name": "k", "level": 2, "allowed_cidrs": [networks]});
    let trusting = Server::with(Options::config("[limits]\ntrusted_proxies = 1\n")).await;
    let owner = trusting.owner().await;
    let (_, inside) = trusting.issue(&owner, body("203.0.113.0/24")).await;
    for (forwarded, status) in [
        (Some("203.0.113.7"), 200),
        (Some("198.51.100.9, 203.0.113.7"), 200), // the proxy's own word is the last one
        (Some("203.0.113.7, 198.51.100.9"), 403), // the first is what its client said
        (Some("198.51.100.9"), 403),
        (Some("nonsense"), 403),
        (None, 403),
    ] {
        assert_eq!(from(&trusting, &inside, forwarded).await, status, "{forwarded:?}");
    }
    // The list shows that address, too.
    let keys = trusting.all(&owner, "/v1/api-keys").await;
    let used = keys.iter().find(|key| key["last_used_at"].is_string()).unwrap();
    assert_eq!(used["last_used_from"], "203.0.113.7");

    // Nobody is trusted unless the configuration says so: whoever connects may write what it likes.
    let wary = Server::start().await;
    let owner = wary.owner().await;
    let (_, inside) = wary.issue(&owner, body("203.0.113.0/24")).await;
    let (_, here) = wary.issue(&owner, body("127.0.0.0/8")).await;
    for forwarded in [Some("203.0.113.7"), Some("203.0.113.7, 203.0.113.7"), None] {
        assert_eq!(from(&wary, &inside, forwarded).await, 403, "{forwarded:?}");
        assert_eq!(from(&wary, &here, forwarded).await, 200, "{forwarded:?}");
    }
}

/// Makes the handle of the first id that comes that of the first key, as often as it comes. A sequence remembers what is rolled back.
const COLLIDE: [&str; 3] = [
    "create sequence public.first_id minvalue -9223372036854775808 start 0",
    "create function public.collide() returns trigger language plpgsql security definer as $$
     declare mine bigint := hashtextextended(new.id::text, 0);
     begin
       if (select not is_called from public.first_id) then perform setval('public.first_id', mine); end if;
       if (select last_value from public.first_id) = mine then
         new.handle := (select k.handle from identity.api_key k where k.name = 'bootstrap'); end if;
       return new;
     end $$",
    "create trigger aaa before insert on identity.api_key for each row execute function public.collide()",
];

#[tokio::test]
async fn a_key_whose_name_is_taken_gets_another_and_its_issuer_notices_nothing() {
    let server = Server::start().await;
    let owner = server.owner().await;
    for sql in COLLIDE {
        server.past_the_guard(sql).await;
    }
    let (id, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let touched = server.superuser("select is_called from public.first_id").await;
    assert_eq!(touched, "t", "the name was taken once");
    let first = server.superuser("select hashtextextended(id::text, 0) = (select last_value from public.first_id) from identity.api_key order by id desc limit 1").await;
    assert_eq!(first, "f", "the key that was issued is another one");
    assert!(server.admits(&key).await && server.admits(&server.key()).await);
    let keys = server.all(&owner, "/v1/api-keys").await;
    assert_eq!(keys.iter().filter(|item| item["name"] == "k").count(), 1, "{id} alone");
    // The same under an idempotency key, which the first try does not use up.
    server.superuser("alter sequence public.first_id restart").await;
    let body = json!({"name": "once", "level": 2});
    let made = server.post_once("/v1/api-keys", &owner, "k-1", &body).await.expect(201);
    let again = server.post_once("/v1/api-keys", &owner, "k-1", &body).await.expect(201);
    assert_eq!(made.field("id"), again.field("id"));
}
