//! Devices: who leads them, how they enter, and what falls with them.
use keepgate_identity::{
    EnrolmentCode, GetDevice, JoinRefused, ListDevices, PrincipalStatus, ReadMe, join_message, login_message,
};
use keepgate_kernel::{Level, PrincipalId, RequestId};
use keepgate_policy::ErrorKind::{self, Refused};
use keepgate_rbac::{CreateTenant, TenantStatus, UpdateTenant};

use super::{
    gadgets::{Gadget, change, new, pair, public},
    house::{House, cases, context, now},
};
use crate::operations::{CreateDevice, CreateUser, DeleteDevice, DeleteUser, EnrolDevice, UpdateDevice, UpdateUser};

const WRONG: ErrorKind = Refused("invalid-credentials");
const NO_CODE: ErrorKind = Refused("invalid-enrolment-code");

async fn a_device_enters_with_its_code_and_from_then_on_with_its_key(house: &House) {
    let supervisor = house.caller(Level::Supervisor);
    let made = house.device(&supervisor, "scanner 7").await;
    let seen = house.perform(&supervisor, &GetDevice { id: made.id }).await.unwrap();
    assert_eq!((seen.name.as_deref(), seen.enrolled_at), (Some("scanner 7"), None));
    assert_eq!(seen.unit, supervisor.principal().unit);
    let gadget = Gadget {
        id: made.id,
        pair: pair(1),
    };
    assert_eq!(house.sign_in(&gadget).await.unwrap_err(), WRONG, "not before it joined");
    assert_eq!(house.join(&made.code.code, public(&gadget.pair)).await, Ok(made.id));
    let opened = house.sign_in(&gadget).await.unwrap();
    assert_eq!(
        (opened.principal, opened.level, opened.unit),
        (made.id, Level::FieldAgent, seen.unit)
    );
    let me = house.perform(&context(&opened), &ReadMe).await.unwrap();
    assert_eq!((me.principal, me.display_name.as_deref()), (made.id, Some("scanner 7")));
    let seen = house
        .perform(&context(&opened), &GetDevice { id: made.id })
        .await
        .unwrap();
    assert!(seen.enrolled_at.is_some(), "a device sees itself");
}

async fn a_code_is_used_once_and_only_the_newest_counts(house: &House) {
    let supervisor = house.caller(Level::Supervisor);
    let made = house.device(&supervisor, "a").await;
    let newer = house
        .perform(&supervisor, &EnrolDevice::new(made.id, now()).unwrap())
        .await
        .unwrap();
    assert_eq!(
        house.join(&made.code.code, public(&pair(1))).await,
        Err(NO_CODE),
        "an older code"
    );
    assert_eq!(house.join(&newer.code, public(&pair(1))).await, Ok(made.id));
    assert_eq!(
        house.join(&newer.code, public(&pair(2))).await,
        Err(NO_CODE),
        "a used code"
    );
    let stranger = EnrolmentCode::random().unwrap();
    assert_eq!(house.join(&stranger, public(&pair(2))).await, Err(NO_CODE));
    // The codes of people and devices are no one another's.
    let user = house
        .create(Level::TenantAdmin, "ann@example.org", Level::FieldAgent)
        .await;
    assert_eq!(house.join(&user.code, public(&pair(2))).await, Err(NO_CODE));
    let newest = house
        .perform(&supervisor, &EnrolDevice::new(made.id, now()).unwrap())
        .await
        .unwrap();
    let as_a_person = house
        .desk
        .enrol(
            newest.code.expose(),
            super::house::PASSWORD.into(),
            RequestId::new(now()),
            None,
            now(),
        )
        .await
        .unwrap();
    let entered = house
        .front
        .perform_for(&as_a_person.context, as_a_person.actor, &as_a_person.command)
        .await;
    assert_eq!(entered.unwrap_err().kind(), NO_CODE);
    assert_eq!(
        house.join(&newest.code, public(&pair(3))).await,
        Ok(made.id),
        "it is still good"
    );
}

async fn a_key_that_did_not_sign_leaves_the_code_good(house: &House) {
    let made = house.device(&house.caller(Level::Supervisor), "a").await;
    let (mine, other, code) = (pair(1), pair(2), &made.code.code);
    let join = async |signature: Vec<u8>| {
        house
            .desk
            .join_device(
                code.expose(),
                public(&mine),
                Some(&signature),
                RequestId::new(now()),
                None,
                now(),
            )
            .await
    };
    let message = join_message(code, &public(&mine));
    let foreign = join(other.sign(&message).as_ref().to_vec()).await;
    assert!(matches!(foreign, Err(JoinRefused::Signature)));
    let elsewhere = join_message(code, &public(&other));
    let elsewhere = join(mine.sign(&elsewhere).as_ref().to_vec()).await;
    assert!(matches!(elsewhere, Err(JoinRefused::Signature)), "over another key");
    let prepared = join(mine.sign(&message).as_ref().to_vec()).await.unwrap();
    let done = house
        .front
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await;
    assert_eq!(done.unwrap().output, made.id);
}

async fn a_challenge_opens_one_session_for_one_device_within_its_minute(house: &House) {
    let supervisor = house.caller(Level::Supervisor);
    let (one, other) = (
        house.gadget(&supervisor, "one", 1).await,
        house.gadget(&supervisor, "other", 2).await,
    );
    let challenge = house.challenge(one.id, now()).await;
    let text = challenge.as_str();
    let signed = one.pair.sign(&login_message(one.id, text));
    let by_other = other.pair.sign(&login_message(one.id, text));
    assert_eq!(
        house.answer(one.id, text, by_other.as_ref(), None).await.unwrap_err(),
        WRONG
    );
    let bare = one.pair.sign(text.as_bytes());
    assert_eq!(
        house.answer(one.id, text, bare.as_ref(), None).await.unwrap_err(),
        WRONG
    );
    let as_other = other.pair.sign(&login_message(other.id, text));
    assert_eq!(
        house.answer(other.id, text, as_other.as_ref(), None).await.unwrap_err(),
        WRONG,
        "another device's challenge"
    );
    let opened = house.answer(one.id, text, signed.as_ref(), None).await.unwrap();
    assert_eq!(
        house.answer(one.id, text, signed.as_ref(), None).await.unwrap_err(),
        WRONG,
        "a second time"
    );
    // Nor when the session that came of it is gone.
    let off = UpdateDevice {
        active: Some(false),
        ..change(one.id)
    };
    house.perform(&supervisor, &off).await.unwrap();
    let on = UpdateDevice {
        active: Some(true),
        ..change(one.id)
    };
    house.perform(&supervisor, &on).await.unwrap();
    assert!(!house.enters(&context(&opened)).await);
    assert_eq!(
        house.answer(one.id, text, signed.as_ref(), None).await.unwrap_err(),
        WRONG
    );
    let late = house.challenge(one.id, now() - chrono::TimeDelta::seconds(61)).await;
    let signed = one.pair.sign(&login_message(one.id, late.as_str()));
    assert_eq!(
        house
            .answer(one.id, late.as_str(), signed.as_ref(), None)
            .await
            .unwrap_err(),
        WRONG
    );
    house.sign_in(&one).await.unwrap();
}

async fn nobody_learns_which_devices_there_are(house: &House) {
    let gadget = house.gadget(&house.caller(Level::Supervisor), "a", 1).await;
    let nobody = PrincipalId::new(keepgate_kernel::PrincipalKind::Device, now());
    let user = house.caller(Level::Operator).principal().id;
    for id in [gadget.id, nobody, user] {
        let challenge = house.challenge(id, now()).await;
        assert_eq!(challenge.as_str().len(), "kgc_".len() + 75, "{id}");
        let signed = pair(9).sign(&login_message(id, challenge.as_str()));
        assert_eq!(
            house
                .answer(id, challenge.as_str(), signed.as_ref(), None)
                .await
                .unwrap_err(),
            WRONG,
            "{id}"
        );
    }
}

async fn an_address_that_fails_on_a_device_waits_and_its_neighbours_do_not(house: &House) {
    let supervisor = house.caller(Level::Supervisor);
    let (one, other) = (
        house.gadget(&supervisor, "one", 1).await,
        house.gadget(&supervisor, "other", 2).await,
    );
    let (here, there) = (Some("192.0.2.7"), Some("198.51.100.7"));
    for _ in 0..10 {
        let challenge = house.challenge(one.id, now()).await;
        let refused = house.answer(one.id, challenge.as_str(), &[0; 64], here).await;
        assert_eq!(refused.unwrap_err(), WRONG);
    }
    let sign_in = async |gadget: &Gadget, source| {
        let challenge = house.challenge(gadget.id, now()).await;
        let signed = gadget.pair.sign(&login_message(gadget.id, challenge.as_str()));
        house
            .answer(gadget.id, challenge.as_str(), signed.as_ref(), source)
            .await
    };
    assert_eq!(sign_in(&one, here).await.unwrap_err(), Refused("locked-out"));
    sign_in(&one, there).await.unwrap();
    sign_in(&other, here).await.unwrap();
}

async fn supervisors_lead_their_unit_admins_all_and_nobody_else_any(house: &House) {
    let yard = house.unit("yard").await;
    let neighbour = house.neighbour(yard).await;
    for level in Level::ALL {
        let caller = house.caller(level);
        let own = house.perform(&caller, &new("own", None)).await;
        let lawful = matches!(level.number(), 3..=5);
        assert_eq!(own.is_ok(), lawful, "{level}: {:?}", own.err());
        let there = house.perform(&caller, &new("there", Some(yard))).await;
        assert_eq!(
            there.is_ok(),
            matches!(level.number(), 4 | 5),
            "{level}: {:?}",
            there.err()
        );
    }
    let supervisor = house.caller(Level::Supervisor);
    let mine = house.device(&supervisor, "mine").await.id;
    let theirs = house.device(&neighbour, "theirs").await.id;
    assert_eq!(
        house.perform(&neighbour, &GetDevice { id: mine }).await.unwrap_err(),
        Refused("device-not-found")
    );
    let rename = |id| UpdateDevice {
        name: Some("x".into()),
        ..change(id)
    };
    for refused in [
        house.perform(&supervisor, &rename(theirs)).await.map(drop),
        house.perform(&supervisor, &DeleteDevice { id: theirs }).await,
        house
            .perform(&supervisor, &EnrolDevice::new(theirs, now()).unwrap())
            .await
            .map(drop),
    ] {
        assert_eq!(refused.unwrap_err(), Refused("device-not-found"));
    }
    let away = UpdateDevice {
        unit: Some(yard),
        ..change(mine)
    };
    assert_eq!(
        house.perform(&supervisor, &away).await.unwrap_err(),
        Refused("unit-not-found"),
        "a supervisor sees its own unit only"
    );
    let moved = house.perform(&house.caller(Level::TenantAdmin), &away).await.unwrap();
    assert_eq!(moved.unit, Some(yard));
    house.perform(&neighbour, &rename(mine)).await.unwrap();
    assert_eq!(
        house.perform(&supervisor, &rename(mine)).await.unwrap_err(),
        Refused("device-not-found")
    );
}

async fn a_device_leads_nobody_and_users_operations_are_not_for_devices(house: &House) {
    let supervisor = house.caller(Level::Supervisor);
    let gadget = house.gadget(&supervisor, "a", 1).await;
    let device = context(&house.sign_in(&gadget).await.unwrap());
    let low = Refused("level-too-low");
    assert_eq!(house.perform(&device, &new("b", None)).await.unwrap_err(), low);
    let rename = UpdateDevice {
        name: Some("x".into()),
        ..change(gadget.id)
    };
    assert_eq!(house.perform(&device, &rename).await.unwrap_err(), low);
    let admin = house.caller(Level::TenantAdmin);
    let raise = UpdateUser {
        id: gadget.id,
        level: Some(Level::Operator),
        unit: None,
        hat: None,
        active: None,
    };
    assert_eq!(
        house.perform(&admin, &raise).await.unwrap_err(),
        Refused("user-not-found")
    );
    assert_eq!(
        house.perform(&admin, &DeleteUser { id: gadget.id }).await.unwrap_err(),
        Refused("user-not-found")
    );
    let user = house.caller(Level::Operator).principal().id;
    assert_eq!(
        house.perform(&admin, &DeleteDevice { id: user }).await.unwrap_err(),
        Refused("device-not-found")
    );
}

async fn disabling_ends_sessions_and_code_and_the_key_stays(house: &House) {
    let supervisor = house.caller(Level::Supervisor);
    let gadget = house.gadget(&supervisor, "a", 1).await;
    let session = context(&house.sign_in(&gadget).await.unwrap());
    let code = house
        .perform(&supervisor, &EnrolDevice::new(gadget.id, now()).unwrap())
        .await
        .unwrap();
    let switch = |active| UpdateDevice {
        active: Some(active),
        ..change(gadget.id)
    };
    let off = house.perform(&supervisor, &switch(false)).await.unwrap();
    assert_eq!(off.status, PrincipalStatus::Disabled);
    assert!(!house.enters(&session).await);
    assert_eq!(house.sign_in(&gadget).await.unwrap_err(), WRONG);
    assert_eq!(
        house
            .perform(&supervisor, &EnrolDevice::new(gadget.id, now()).unwrap())
            .await
            .unwrap_err(),
        Refused("device-disabled")
    );
    house.perform(&supervisor, &switch(true)).await.unwrap();
    assert_eq!(house.join(&code.code, public(&pair(2))).await, Err(NO_CODE), "it fell");
    assert!(!house.enters(&session).await, "dead for good");
    house.sign_in(&gadget).await.unwrap();
}

async fn a_new_key_takes_the_place_of_the_old_one_and_of_its_sessions(house: &House) {
    let supervisor = house.caller(Level::Supervisor);
    let old = house.gadget(&supervisor, "a", 1).await;
    let session = context(&house.sign_in(&old).await.unwrap());
    let code = house
        .perform(&supervisor, &EnrolDevice::new(old.id, now()).unwrap())
        .await
        .unwrap();
    assert!(house.enters(&session).await, "a code alone changes nothing");
    let new = Gadget {
        id: old.id,
        pair: pair(2),
    };
    assert_eq!(house.join(&code.code, public(&new.pair)).await, Ok(old.id));
    assert!(!house.enters(&session).await);
    assert_eq!(house.sign_in(&old).await.unwrap_err(), WRONG);
    house.sign_in(&new).await.unwrap();
}

async fn a_removed_device_is_gone_with_all_it_had(house: &House) {
    let supervisor = house.caller(Level::Supervisor);
    let gadget = house.gadget(&supervisor, "a", 1).await;
    let session = context(&house.sign_in(&gadget).await.unwrap());
    let code = house
        .perform(&supervisor, &EnrolDevice::new(gadget.id, now()).unwrap())
        .await
        .unwrap();
    house
        .perform(&supervisor, &DeleteDevice { id: gadget.id })
        .await
        .unwrap();
    assert!(!house.enters(&session).await);
    assert_eq!(house.sign_in(&gadget).await.unwrap_err(), WRONG);
    assert_eq!(house.join(&code.code, public(&pair(2))).await, Err(NO_CODE));
    let gone = Refused("device-not-found");
    for by in [supervisor, house.caller(Level::TenantOwner)] {
        assert_eq!(
            house.perform(&by, &GetDevice { id: gadget.id }).await.unwrap_err(),
            gone
        );
        assert_eq!(
            house.perform(&by, &DeleteDevice { id: gadget.id }).await.unwrap_err(),
            gone
        );
        let list = ListDevices { after: None, limit: 10 };
        assert!(house.perform(&by, &list).await.unwrap().is_empty());
    }
}

async fn a_suspended_tenant_s_devices_stay_out_until_it_is_active_again(house: &House) {
    let global = house.caller(Level::GlobalAdmin);
    let supervisor = house.caller(Level::Supervisor);
    let gadget = house.gadget(&supervisor, "a", 1).await;
    let made = house.device(&supervisor, "b").await;
    let set = |status| UpdateTenant {
        id: house.tenant,
        status,
    };
    house.perform(&global, &set(TenantStatus::Suspended)).await.unwrap();
    assert_eq!(house.sign_in(&gadget).await.unwrap_err(), WRONG);
    assert_eq!(house.join(&made.code.code, public(&pair(2))).await, Err(NO_CODE));
    house.perform(&global, &set(TenantStatus::Active)).await.unwrap();
    house.sign_in(&gadget).await.unwrap();
}

async fn another_tenant_s_device_is_not_there(house: &House) {
    let gadget = house.gadget(&house.caller(Level::Supervisor), "a", 1).await;
    let global = house.caller(Level::GlobalAdmin);
    let acme = CreateTenant {
        id: keepgate_kernel::TenantId::new(now()),
        name: "Acme".into(),
    };
    let acme = house.perform(&global, &acme).await.unwrap();
    let owner = CreateUser {
        tenant: Some(acme.id),
        ..CreateUser::new("boss@acme.example".parse().unwrap(), Level::TenantOwner, now()).unwrap()
    };
    let made = house.perform(&global, &owner).await.unwrap();
    let boss = context(&house.enrol(&made.code).await);
    let gone = Refused("device-not-found");
    assert_eq!(
        house.perform(&boss, &GetDevice { id: gadget.id }).await.unwrap_err(),
        gone
    );
    assert_eq!(
        house.perform(&boss, &DeleteDevice { id: gadget.id }).await.unwrap_err(),
        gone
    );
    assert_eq!(
        house
            .perform(&boss, &EnrolDevice::new(gadget.id, now()).unwrap())
            .await
            .unwrap_err(),
        gone
    );
    // A twin of the same number there: each key opens its own, and the first is not shut out.
    let twin = CreateDevice {
        id: gadget.id,
        ..new("twin", None)
    };
    let twin = house.perform(&boss, &twin).await.unwrap();
    assert_eq!(house.join(&twin.code.code, public(&pair(7))).await, Ok(gadget.id));
    let there = Gadget {
        id: gadget.id,
        pair: pair(7),
    };
    assert_eq!(house.sign_in(&gadget).await.unwrap().tenant, house.tenant);
    assert_eq!(house.sign_in(&there).await.unwrap().tenant, acme.id);
}

async fn a_device_is_carried_by_a_user_of_the_tenant(house: &House) {
    let admin = house.caller(Level::TenantAdmin);
    let agent = house.caller(Level::FieldAgent).principal().id;
    let mine = CreateDevice {
        owner: Some(agent),
        ..new("a", None)
    };
    let made = house.perform(&admin, &mine).await.unwrap();
    let seen = house.perform(&admin, &GetDevice { id: made.id }).await.unwrap();
    assert_eq!(seen.owner, Some(agent));
    let carrier = house.caller(Level::FieldAgent);
    assert!(
        house.perform(&carrier, &GetDevice { id: made.id }).await.is_ok(),
        "it sees what it carries"
    );
    let other = house.device(&admin, "b").await.id;
    assert!(house.perform(&carrier, &GetDevice { id: other }).await.is_err());
    let list = ListDevices { after: None, limit: 10 };
    assert_eq!(house.perform(&carrier, &list).await.unwrap().len(), 1);
    let stranger = house.caller(Level::GlobalAdmin).principal().id;
    for owner in [
        stranger,
        made.id,
        PrincipalId::new(keepgate_kernel::PrincipalKind::User, now()),
    ] {
        let give = UpdateDevice {
            owner: Some(Some(owner)),
            ..change(made.id)
        };
        assert_eq!(
            house.perform(&admin, &give).await.unwrap_err(),
            Refused("owner-not-found"),
            "{owner}"
        );
    }
    let nobody = UpdateDevice {
        owner: Some(None),
        name: Some("b".into()),
        ..change(made.id)
    };
    let seen = house.perform(&admin, &nobody).await.unwrap();
    assert_eq!((seen.owner, seen.name.as_deref()), (None, Some("b")));
    assert_eq!(
        house.perform(&admin, &change(made.id)).await.unwrap_err(),
        Refused("nothing-to-change")
    );
}

async fn devices_come_page_by_page_in_the_order_they_were_made(house: &House) {
    let supervisor = house.caller(Level::Supervisor);
    let mut made = Vec::new();
    for nth in 0..5 {
        made.push(house.device(&supervisor, &format!("d{nth}")).await.id);
    }
    made.sort();
    let page = async |after| {
        let list = ListDevices { after, limit: 2 };
        let found = house.perform(&supervisor, &list).await.unwrap();
        found.into_iter().map(|device| device.id).collect::<Vec<_>>()
    };
    let first = page(None).await;
    let second = page(first.last().copied()).await;
    let third = page(second.last().copied()).await;
    assert_eq!([first, second, third].concat(), made);
}

cases!(
    a_device_enters_with_its_code_and_from_then_on_with_its_key,
    a_code_is_used_once_and_only_the_newest_counts,
    a_key_that_did_not_sign_leaves_the_code_good,
    a_challenge_opens_one_session_for_one_device_within_its_minute,
    nobody_learns_which_devices_there_are,
    an_address_that_fails_on_a_device_waits_and_its_neighbours_do_not,
    supervisors_lead_their_unit_admins_all_and_nobody_else_any,
    a_device_leads_nobody_and_users_operations_are_not_for_devices,
    disabling_ends_sessions_and_code_and_the_key_stays,
    a_new_key_takes_the_place_of_the_old_one_and_of_its_sessions,
    a_removed_device_is_gone_with_all_it_had,
    a_suspended_tenant_s_devices_stay_out_until_it_is_active_again,
    another_tenant_s_device_is_not_there,
    a_device_is_carried_by_a_user_of_the_tenant,
    devices_come_page_by_page_in_the_order_they_were_made,
);
