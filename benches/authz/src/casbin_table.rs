//! The table as casbin's access control list.
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

use crate::table::{Question, permitted};

const MODEL: &str = "
[request_definition]
r = sub, act
[policy_definition]
p = sub, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.act == p.act
";

pub struct Casbin(Enforcer);

impl Casbin {
    pub async fn new() -> Self {
        let model = DefaultModel::from_str(MODEL).await.expect("a model");
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default())
            .await
            .expect("an enforcer");
        let rules = permitted()
            .into_iter()
            .map(|(subject, action)| vec![subject, action.as_str().to_owned()])
            .collect();
        enforcer.add_policies(rules).await.expect("policies made of the table");
        Self(enforcer)
    }

    pub fn permits(&self, question: &Question) -> bool {
        self.0
            .enforce((question.subject.as_str(), question.action.as_str()))
            .expect("a decision")
    }
}
