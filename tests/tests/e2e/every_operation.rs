//! Every operation, done once: what the coverage of the log is measured with.
use keepgate_tests::{App, PASSWORD, Phone, Reply, Server, email, message};
use reqwest::Method;
use serde_json::{Value, json};

/// What was asked for, and what became of it.
#[derive(Debug)]
pub struct Asked {
    pub name: String,
    pub request: String,
    pub status: u16,
}

impl Asked {
    pub fn new(name: &str, reply: &Reply) -> Self {
        let request = reply
            .header("x-request-id")
            .expect("every answer names its request")
            .to_owned();
        Self {
            name: name.to_owned(),
            request,
            status: reply.status,
        }
    }
}

/// Asks for things and remembers it.
pub struct Asking<'a> {
    pub server: &'a Server,
    pub asked: Vec<Asked>,
}

impl Asking<'_> {
    async fn ask(
        &mut self,
        method: &str,
        template: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<Value>,
    ) -> Value {
        let verb: Method = method.parse().unwrap();
        let reply = match &body {
            None => self.server.raw(verb, &self.server.url(path), bearer, &[], None).await,
            Some(body) => self.server.send(verb, path, bearer, &[], body).await,
        };
        assert!(reply.status < 400, "{method} {path}: {}", reply.text());
        self.asked.push(Asked::new(&format!("{method} {template}"), &reply));
        reply.json()
    }

    async fn get(&mut self, template: &str, path: &str, bearer: &str) -> Value {
        self.ask("GET", template, path, Some(bearer), None).await
    }

    async fn post(&mut self, template: &str, path: &str, bearer: &str, body: Value) -> Value {
        self.ask("POST", template, path, Some(bearer), Some(body)).await
    }

    async fn delete(&mut self, template: &str, path: &str, bearer: &str) {
        self.ask("DELETE", template, path, Some(bearer), None).await;
    }
}

/// Of no key anybody has.
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuW0f9s9w7Dq1n9E4Ff5nE1FqAqV2oKxW";

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

/// People, keys, sessions and tenants, each done once.
pub async fn identity(to: &mut Asking<'_>, owner: &str, admin: &str) {
    let address = email();
    let made = to
        .post("/v1/users", "/v1/users", owner, json!({"email": address, "level": 2}))
        .await;
    let user = format!("/v1/users/{}", id(&made));
    let enrol = json!({"code": made["enrolment"]["code"], "password": PASSWORD});
    to.ask("POST", "/v1/auth/enrol", "/v1/auth/enrol", None, Some(enrol))
        .await;
    let login = json!({"email": address, "password": PASSWORD});
    let token = to
        .ask("POST", "/v1/auth/login", "/v1/auth/login", None, Some(login.clone()))
        .await;
    let token = token["access_token"].as_str().unwrap().to_owned();
    to.get("/v1/me", "/v1/me", &token).await;
    let sessions = to.get("/v1/sessions", "/v1/sessions", &token).await;
    let mine = sessions["items"].as_array().unwrap();
    assert!(mine.len() >= 2, "{mine:?}");
    let new = "nine purple kayaks at dawn";
    let change = json!({"current_password": PASSWORD, "new_password": new});
    to.post("/v1/auth/password", "/v1/auth/password", &token, change).await;
    to.ask("POST", "/v1/auth/logout", "/v1/auth/logout", Some(&token), None)
        .await;
    let again = to.server.login(&address, new).await.expect(200);
    let session = format!("/v1/sessions/{}", again.field("session_id"));
    to.delete("/v1/sessions/{session}", &session, owner).await;
    let stolen = to.server.login(&address, new).await.expect(200).field("session_id");
    let order = json!({"kind": "session", "id": stolen, "reason": "laptop stolen"});
    to.post("/v1/revocations", "/v1/revocations", owner, order).await;
    let all = format!("/v1/principals/{}/sessions", id(&made));
    to.delete("/v1/principals/{principal}/sessions", &all, owner).await;
    to.get("/v1/users", "/v1/users", owner).await;
    to.get("/v1/users/{user}", &user, owner).await;
    to.ask(
        "PATCH",
        "/v1/users/{user}",
        &user,
        Some(owner),
        Some(json!({"level": 1})),
    )
    .await;
    to.ask(
        "POST",
        "/v1/users/{user}/reset",
        &format!("{user}/reset"),
        Some(owner),
        None,
    )
    .await;
    let forgotten = json!({"email": address});
    to.ask("POST", "/v1/auth/reset", "/v1/auth/reset", None, Some(forgotten))
        .await;
    to.delete("/v1/users/{user}", &user, owner).await;

    let key = to
        .post("/v1/api-keys", "/v1/api-keys", owner, json!({"name": "k", "level": 1}))
        .await;
    let key = format!("/v1/api-keys/{}", id(&key));
    to.get("/v1/api-keys", "/v1/api-keys", owner).await;
    to.get("/v1/access", "/v1/access", owner).await;
    to.post(
        "/v1/api-keys/{key}/rotate",
        &format!("{key}/rotate"),
        owner,
        json!({"overlap_seconds": 0}),
    )
    .await;
    to.delete("/v1/api-keys/{key}", &key, owner).await;
    let foreign = json!({"name": "k", "level": 1, "lookup": "acme_ab12", "bcrypt": BCRYPT});
    let foreign = to
        .post("/v1/api-keys:import", "/v1/api-keys:import", owner, foreign)
        .await;
    let found = json!({"key": foreign["key"]});
    to.ask(
        "POST",
        "/v1/api-keys:report-leak",
        "/v1/api-keys:report-leak",
        None,
        Some(found),
    )
    .await;

    let rotate = "/v1/signing-keys:rotate";
    to.post(rotate, rotate, admin, json!({})).await;
    to.get("/v1/signing-keys", "/v1/signing-keys", admin).await;
    let rotate = "/v1/log-keys:rotate";
    to.post(rotate, rotate, owner, json!({"emergency": true})).await;
    units(to, owner).await;
    devices(to, owner).await;
    services(to, owner).await;
    two_people(to, owner, admin).await;

    let tenant = to.post("/v1/tenants", "/v1/tenants", admin, json!({"name": "t"})).await;
    let tenant = format!("/v1/tenants/{}", id(&tenant));
    to.get("/v1/tenants", "/v1/tenants", admin).await;
    to.get("/v1/tenants/{tenant}", &tenant, admin).await;
    to.ask(
        "PATCH",
        "/v1/tenants/{tenant}",
        &tenant,
        Some(admin),
        Some(json!({"status": "suspended"})),
    )
    .await;
}

/// Units, each operation done once.
async fn units(to: &mut Asking<'_>, owner: &str) {
    let unit = to.post("/v1/units", "/v1/units", owner, json!({"name": "north"})).await;
    let unit = format!("/v1/units/{}", id(&unit));
    to.get("/v1/units", "/v1/units", owner).await;
    to.get("/v1/units/{unit}", &unit, owner).await;
    let name = Some(json!({"name": "south"}));
    to.ask("PATCH", "/v1/units/{unit}", &unit, Some(owner), name).await;
    to.delete("/v1/units/{unit}", &unit, owner).await;
}

/// Services, each operation done once.
async fn services(to: &mut Asking<'_>, owner: &str) {
    let body = json!({"name": "billing", "level": 2});
    let made = id(&to.post("/v1/services", "/v1/services", owner, body).await);
    let service = format!("/v1/services/{made}");
    to.get("/v1/services", "/v1/services", owner).await;
    to.get("/v1/services/{service}", &service, owner).await;
    to.post(
        "/v1/api-keys",
        "/v1/api-keys",
        owner,
        json!({"name": "k", "service": made}),
    )
    .await;
    let name = Some(json!({"name": "invoices"}));
    to.ask("PATCH", "/v1/services/{service}", &service, Some(owner), name)
        .await;
    to.delete("/v1/services/{service}", &service, owner).await;
}

/// Devices, each operation done once.
async fn devices(to: &mut Asking<'_>, owner: &str) {
    let made = to
        .post("/v1/devices", "/v1/devices", owner, json!({"name": "scanner"}))
        .await;
    let gadget = keepgate_tests::Gadget::new(id(&made), 1);
    let device = format!("/v1/devices/{}", gadget.id);
    to.get("/v1/devices", "/v1/devices", owner).await;
    to.get("/v1/devices/{device}", &device, owner).await;
    let name = Some(json!({"name": "reader"}));
    to.ask("PATCH", "/v1/devices/{device}", &device, Some(owner), name)
        .await;
    let enrol = format!("{device}/enrol");
    let code = to
        .ask("POST", "/v1/devices/{device}/enrol", &enrol, Some(owner), None)
        .await;
    let join = json!({"code": code["code"], "public_key": gadget.public_key()});
    to.ask("POST", "/v1/devices/enrol", "/v1/devices/enrol", None, Some(join))
        .await;
    let (ask, who) = ("/v1/auth/device/challenge", json!({"device": gadget.id}));
    let challenge = to.ask("POST", ask, ask, None, Some(who)).await;
    let answer = gadget.answer(challenge["challenge"].as_str().unwrap());
    to.ask("POST", "/v1/auth/device", "/v1/auth/device", None, Some(answer))
        .await;
    to.delete("/v1/devices/{device}", &device, owner).await;
}

/// The end of a data key by an owner and another, and a locked-out owner let in again by two global admins.
async fn two_people(to: &mut Asking<'_>, owner: &str, admin: &str) {
    let seal = json!({"name": "sealed", "level": 1});
    to.server
        .post_once("/v1/api-keys", owner, "seal", &seal)
        .await
        .expect(201);
    let ask = json!({"action": "key.destroy", "target": "1", "reason": "every operation once"});
    let asked = id(&to.post("/v1/approvals", "/v1/approvals", owner, ask).await);
    let helper = to.server.person(owner, 4).await.token;
    let path = format!("/v1/approvals/{asked}");
    to.get("/v1/approvals", "/v1/approvals", owner).await;
    to.get("/v1/approvals/{approval}", &path, owner).await;
    let approve = format!("{path}/approve");
    to.ask(
        "POST",
        "/v1/approvals/{approval}/approve",
        &approve,
        Some(&helper),
        None,
    )
    .await;
    to.get("/v1/keys", "/v1/keys", owner).await;
    to.delete("/v1/keys/{version}", "/v1/keys/1", owner).await;
    to.post("/v1/keys/{version}/keep", "/v1/keys/1/keep", owner, json!({}))
        .await;
    to.post("/v1/keys:rotate", "/v1/keys:rotate", owner, json!({})).await;
    erased(to, owner, &helper).await;

    let second = to.server.second_global_admin().await;
    let (tenant, _) = to.server.second_tenant(admin).await;
    let ask = json!({"action": "tenant.break-glass", "target": tenant, "reason": "every operation once"});
    let asked = to
        .server
        .post("/v1/approvals", admin, ask)
        .await
        .expect(201)
        .field("id");
    let approve = format!("/v1/approvals/{asked}/approve");
    to.server.press(&approve, &second.token).await.expect(200);
    let path = format!("/v1/tenants/{tenant}/break-glass");
    to.post("/v1/tenants/{tenant}/break-glass", &path, admin, json!({}))
        .await;
}

/// Identity providers, each thing done once.
pub async fn sso(to: &mut Asking<'_>, owner: &str) {
    let (template, path) = ("/v1/sso/providers/{provider}", "/v1/sso/providers/corp");
    let body = json!({"issuer": "https://id.example.org", "client_id": "gw", "group_levels": {"staff": {"level": 2}}});
    to.ask("PUT", template, path, Some(owner), Some(body)).await;
    to.get("/v1/sso/providers", "/v1/sso/providers", owner).await;
    to.get(template, path, owner).await;
    let body = json!({"name": "directory"});
    let token = to.post("/v1/scim/tokens", "/v1/scim/tokens", owner, body).await;
    let token = format!("/v1/scim/tokens/{}", id(&token));
    to.get("/v1/scim/tokens", "/v1/scim/tokens", owner).await;
    to.delete("/v1/scim/tokens/{token}", &token, owner).await;
    to.delete(template, path, owner).await;
}

/// Second factors and what a tenant demands of them, each done once.
pub async fn second_factors(to: &mut Asking<'_>, owner: &str) {
    let ann = to.server.person(owner, 2).await;
    let app = to
        .ask("POST", "/v1/me/mfa/totp", "/v1/me/mfa/totp", Some(&ann.token), None)
        .await;
    let mut app = App::new(app["secret"].as_str().unwrap());
    let confirm = "/v1/me/mfa/totp/confirm";
    let code = json!({"code": app.code().await});
    to.post(confirm, confirm, &ann.token, code).await;
    let codes = "/v1/me/mfa/recovery-codes";
    to.ask("POST", codes, codes, Some(&ann.token), None).await;
    let question = to.server.login(&ann.email, PASSWORD).await.expect(200).json();
    let answer = json!({"challenge": question["mfa"]["challenge"], "totp": app.code().await});
    to.ask("POST", "/v1/auth/mfa", "/v1/auth/mfa", None, Some(answer)).await;
    let again = json!({"totp": app.code().await});
    let token = to.post("/v1/auth/step-up", "/v1/auth/step-up", &ann.token, again).await;
    let token = token["access_token"].as_str().unwrap().to_owned();
    let (passkeys, origin) = ("/v1/me/mfa/passkeys", "https://gate.example.org");
    let mut phone = Phone::default();
    let options = to.post(passkeys, passkeys, &token, json!({})).await;
    let made = json!({"passkey": phone.create(origin, &options).await});
    let confirm = "/v1/me/mfa/passkeys/confirm";
    to.post(confirm, confirm, &token, made).await;
    let ask = "/v1/auth/step-up/passkey";
    to.ask("POST", ask, ask, Some(&token), None).await;
    let mine = to.get("/v1/me/mfa", "/v1/me/mfa", &token).await;
    let factor = format!("/v1/me/mfa/{}", id(&mine["items"][0]));
    to.delete("/v1/me/mfa/{factor}", &factor, &token).await;
    let reset = format!("/v1/users/{}/mfa", ann.id);
    to.delete("/v1/users/{user}/mfa", &reset, owner).await;
    let policy = "/v1/tenant/policy";
    to.get(policy, policy, owner).await;
    to.ask("PATCH", policy, policy, Some(owner), Some(json!({"mfa_level": 3})))
        .await;
}

/// Recipients, routes, messages and webhooks, each done once.
pub async fn messages(to: &mut Asking<'_>, owner: &str) {
    let me = to.server.me(owner).await;
    let recipient = json!({"name": "r", "contacts": [{"channel": "internet", "address": me}]});
    let recipient = id(&to.post("/v1/recipients", "/v1/recipients", owner, recipient).await);
    let path = format!("/v1/recipients/{recipient}");
    to.get("/v1/recipients", "/v1/recipients", owner).await;
    to.get("/v1/recipients/{recipient}", &path, owner).await;
    to.ask(
        "PATCH",
        "/v1/recipients/{recipient}",
        &path,
        Some(owner),
        Some(json!({"name": "r2"})),
    )
    .await;

    let route =
        json!({"steps": [{"channel": "internet", "wait_seconds": 60}], "require_ack": true, "deadline_seconds": 600});
    to.ask("PUT", "/v1/routes/{name}", "/v1/routes/slow", Some(owner), Some(route))
        .await;
    to.get("/v1/routes", "/v1/routes", owner).await;
    to.get("/v1/routes/{name}", "/v1/routes/slow", owner).await;
    to.delete("/v1/routes/{name}", "/v1/routes/slow", owner).await;

    let body = message(&recipient, "x");
    let first = id(&to.post("/v1/messages", "/v1/messages", owner, body.clone()).await);
    let second = id(&to.post("/v1/messages", "/v1/messages", owner, body.clone()).await);
    to.post(
        "/v1/messages:batch",
        "/v1/messages:batch",
        owner,
        json!({"messages": [body]}),
    )
    .await;
    to.get("/v1/messages", "/v1/messages", owner).await;
    to.get("/v1/messages/{message}", &format!("/v1/messages/{first}"), owner)
        .await;
    to.post(
        "/v1/messages/{message}/ack",
        &format!("/v1/messages/{first}/ack"),
        owner,
        json!({}),
    )
    .await;
    to.ask(
        "POST",
        "/v1/messages/{message}/cancel",
        &format!("/v1/messages/{second}/cancel"),
        Some(owner),
        None,
    )
    .await;
    to.ask(
        "POST",
        "/v1/messages/{message}/replay",
        &format!("/v1/messages/{second}/replay"),
        Some(owner),
        None,
    )
    .await;
    to.get("/v1/stream", "/v1/stream", owner).await;
    to.delete("/v1/recipients/{recipient}", &path, owner).await;

    let hook = json!({"url": "https://desk.example/hook", "events": ["message.failed"]});
    let hook = format!(
        "/v1/webhooks/{}",
        id(&to.post("/v1/webhooks", "/v1/webhooks", owner, hook).await)
    );
    to.get("/v1/webhooks", "/v1/webhooks", owner).await;
    to.get("/v1/webhooks/{webhook}", &hook, owner).await;
    to.delete("/v1/webhooks/{webhook}", &hook, owner).await;
}

/// The log, read once in each way.
pub async fn log(to: &mut Asking<'_>, owner: &str) {
    to.server.whole_log(owner).await;
    for (template, path) in [
        ("/v1/audit", "/v1/audit"),
        ("/v1/audit/entries/{index}", "/v1/audit/entries/0"),
        ("/v1/audit/proof", "/v1/audit/proof?index=0"),
        ("/v1/audit/log/checkpoint", "/v1/audit/log/checkpoint"),
        ("/v1/audit/log/vkey", "/v1/audit/log/vkey"),
        ("/v1/audit/log/tile/{path}", "/v1/audit/log/tile/0/000.p/1"),
        ("/v1/audit/meta/checkpoint", "/v1/audit/meta/checkpoint"),
        ("/v1/audit/meta/vkey", "/v1/audit/meta/vkey"),
        ("/v1/audit/meta/proof", "/v1/audit/meta/proof"),
        ("/v1/audit/meta/tile/{path}", "/v1/audit/meta/tile/0/000.p/1"),
        ("/v1/log-keys", "/v1/log-keys"),
        ("/v1/audit/export", "/v1/audit/export?format=jsonl"),
        ("/v1/audit/archives", "/v1/audit/archives"),
    ] {
        to.get(template, path, owner).await;
    }
}

/// A person erased, and a hold placed and released.
async fn erased(to: &mut Asking<'_>, owner: &str, helper: &str) {
    let agree = async |to: &Asking<'_>, action: &str, target: &str| {
        let ask = json!({"action": action, "target": target, "reason": "every operation once"});
        let asked = to
            .server
            .post("/v1/approvals", owner, ask)
            .await
            .expect(201)
            .field("id");
        let approve = format!("/v1/approvals/{asked}/approve");
        to.server.press(&approve, helper).await.expect(200);
    };
    let reason = "every operation once";
    let hold = id(&to
        .post("/v1/holds", "/v1/holds", owner, json!({"reason": reason}))
        .await);
    to.get("/v1/holds", "/v1/holds", owner).await;
    agree(to, "hold.release", &hold).await;
    to.delete("/v1/holds/{hold}", &format!("/v1/holds/{hold}"), owner).await;
    let person = to.server.person(owner, 1).await.id;
    to.server
        .delete(&format!("/v1/users/{person}"), owner)
        .await
        .expect(204);
    agree(to, "erasure.create", &person).await;
    let body = json!({"subject": person, "reason": reason});
    to.post("/v1/erasures", "/v1/erasures", owner, body).await;
    to.get("/v1/erasures", "/v1/erasures", owner).await;
}

/// A receiver of the log that is not there, through its life.
pub async fn sinks(to: &mut Asking<'_>, owner: &str) {
    let target = json!({"kind": "https", "url": "https://siem.example/in", "auth": {"scheme": "bearer", "token": "t"}});
    let made = json!({"name": "siem", "target": target});
    let sink = format!(
        "/v1/sinks/{}",
        id(&to.post("/v1/sinks", "/v1/sinks", owner, made).await)
    );
    to.get("/v1/sinks", "/v1/sinks", owner).await;
    to.get("/v1/sinks/{sink}", &sink, owner).await;
    let letters = format!("{sink}/dead-letters");
    to.get("/v1/sinks/{sink}/dead-letters", &letters, owner).await;
    let (template, path) = ("/v1/sinks/{sink}/test", format!("{sink}/test"));
    let trial = to.ask("POST", template, &path, Some(owner), None).await;
    assert_ne!(trial["outcome"], "accepted");
    let (template, path) = ("/v1/sinks/{sink}/replay", format!("{sink}/replay"));
    to.post(template, &path, owner, json!({"from_index": 0})).await;
    to.ask(
        "PATCH",
        "/v1/sinks/{sink}",
        &sink,
        Some(owner),
        Some(json!({"paused": true})),
    )
    .await;
    to.delete("/v1/sinks/{sink}", &sink, owner).await;
}
