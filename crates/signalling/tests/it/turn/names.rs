//! Under which name a person of a room has the credentials that they are told.

use crate::support::{Client, device, person, relay_config};

/// The name of a TURN user: what follows the time at which the credential ends.
fn name(client: &Client) -> String {
    let servers = client.welcome["ice_servers"].as_array().unwrap();
    let username = servers.iter().find_map(|server| server["username"].as_str()).unwrap();
    let (expiry, name) = username.split_once(':').unwrap();
    assert!(expiry.parse::<i64>().is_ok(), "{username}");
    // The rest of the name is of the ticket and the moment.
    name.split('.').next().unwrap().to_owned()
}

#[tokio::test]
async fn one_person_is_one_user_to_the_quota_however_often_they_say_hello() {
    let relay = relay_config(|c| c.turn_urls = vec!["turn:192.0.2.1:3478?transport=udp".to_owned()]).await;
    let ticket = relay.ticket(7, 1, "guest");
    let first = relay.hello_from(&device(1), &ticket).await;
    let again = relay.hello_from(&device(1), &ticket).await;
    assert_ne!(first.peer, again.peer, "two sessions");
    assert_eq!(name(&first), name(&again));
    let on_a_new_ticket = relay.hello(&relay.ticket(7, 1, "guest")).await;
    assert_eq!(name(&first), name(&on_a_new_ticket));
    let other = relay.hello(&relay.ticket(7, 2, "host")).await;
    assert_ne!(name(&first), name(&other), "another person");
    let elsewhere = relay.hello(&relay.ticket(8, 1, "guest")).await;
    assert_ne!(name(&first), name(&elsewhere), "another room");
    assert!(!name(&first).contains(&person(1).to_string()), "nobody reads who it is");
}
