//! Where credentials come from: EC2, ECS and EKS, STS.
use keepgate_kernel::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{
    Aws, Identity,
    identity::{Fetched, INSTANCE, read},
};
use crate::{
    fault::Fault,
    http::{Answer, secret_header},
    settings::join,
};

/// What the endpoints of instances and containers answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Handed {
    code: Option<String>,
    access_key_id: String,
    secret_access_key: SecretString,
    token: SecretString,
    expiration: Timestamp,
}

impl Handed {
    fn fetched(self) -> Result<Fetched, Fault> {
        if self.code.is_some_and(|code| code != "Success") {
            return Err(Fault::Denied("the machine has no usable role"));
        }
        Ok(Fetched {
            id: self.access_key_id,
            secret: self.secret_access_key,
            token: self.token,
            ends: self.expiration,
        })
    }
}

impl Aws {
    pub(super) async fn fetch(&self) -> Result<Fetched, Fault> {
        match &self.identity {
            Identity::Instance { url } => self.instance(url.clone()).await,
            Identity::Container { url, token } => {
                let mut request = self.http.client().get(url.clone());
                if let Some(token) = token {
                    request = request.header("authorization", secret_header("", &read(token)?)?);
                }
                self.http.send(request.build()).await?.ok::<Handed>()?.fetched()
            }
            Identity::WebIdentity { role_arn, token } => self.assume(role_arn, &read(token)?).await,
            Identity::AccessKey { .. } => Err(Fault::Strange("an access key is not fetched")),
        }
    }

    /// IMDSv2: first a session token, which a forwarded request does not get.
    async fn instance(&self, url: Option<Url>) -> Result<Fetched, Fault> {
        let base = match url {
            Some(url) => url,
            None => format!("http://{INSTANCE}").parse().map_err(|_| Fault::Missing)?,
        };
        let client = self.http.client();
        let put = client
            .put(join(&base, ["latest", "api", "token"]))
            .header("x-aws-ec2-metadata-token-ttl-seconds", "300");
        let session = SecretString::from(text(&self.http.send(put.build()).await?)?);
        let roles = join(&base, ["latest", "meta-data", "iam", "security-credentials"]);
        let get = |url: Url| -> Result<_, Fault> {
            let token = secret_header("", &session)?;
            Ok(client.get(url).header("x-aws-ec2-metadata-token", token).build())
        };
        let listed = match self.http.send(get(join(&roles, [""]))?).await? {
            answer if answer.status == 404 => return Err(Fault::Denied("the machine has no role")),
            answer => text(&answer)?,
        };
        let role = listed.lines().next().unwrap_or_default().trim();
        if role.is_empty() || role.contains('/') {
            return Err(Fault::Denied("the machine has no role"));
        }
        self.http
            .send(get(join(&roles, [role]))?)
            .await?
            .ok::<Handed>()?
            .fetched()
    }

    /// `AssumeRoleWithWebIdentity`, which is not signed: the token is the proof.
    async fn assume(&self, role: &str, token: &SecretString) -> Result<Fetched, Fault> {
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", "keepgate"),
            ("WebIdentityToken", token.expose_secret()),
        ];
        let answer = self
            .http
            .send(self.http.client().post(self.sts.clone()).form(&form).build())
            .await?;
        match answer.status {
            200 => assumed(&text(&answer)?).ok_or(Fault::Strange("its XML is not what is documented")),
            400 => Err(Fault::Denied("the role is not given for our token")),
            status => Err(Fault::of_status(status)),
        }
    }
}

fn text(answer: &Answer) -> Result<String, Fault> {
    if answer.status != 200 {
        return Err(Fault::of_status(answer.status));
    }
    let text = String::from_utf8(answer.body.to_vec());
    text.map_err(|_| Fault::Strange("it is not a text"))
}

/// The one element `Credentials`, whose values need no escapes.
fn assumed(xml: &str) -> Option<Fetched> {
    let inside = element(xml, "Credentials")?;
    let value = |name| element(inside, name).filter(|value| !value.contains(['<', '&']));
    Some(Fetched {
        id: value("AccessKeyId")?.to_owned(),
        secret: value("SecretAccessKey")?.into(),
        token: value("SessionToken")?.into(),
        ends: value("Expiration")?.parse().ok()?,
    })
}

fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let (_, rest) = xml.split_once(&open)?;
    let (inside, after) = rest.split_once(&close)?;
    (!after.contains(&open)).then_some(inside.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_set_of_credentials_is_read_and_no_other() {
        let set = "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>a/b+=</SecretAccessKey>\
            <SessionToken>\n t0k \n</SessionToken><Expiration>2026-11-22T18:00:00Z</Expiration></Credentials>";
        let found = assumed(&format!("<R><X>{set}</X></R>")).unwrap();
        assert_eq!((found.id.as_str(), found.token.expose_secret()), ("ASIA1", "t0k"));
        assert!(assumed(&format!("<R>{set}{set}</R>")).is_none());
        for bad in ["<AccessKeyId>ASIA1", "a/b+=", "2026-11-22T18:00:00Z"] {
            assert!(assumed(&set.replace(bad, "<&>")).is_none(), "{bad}");
        }
    }
}
