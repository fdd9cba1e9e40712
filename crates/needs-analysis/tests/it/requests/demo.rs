//! The invented months: there once, counted, and quickly.

use sanbao_needs_analysis::request::demo;
use sanbao_platform::testing::on_both;
use uuid::Uuid;

use crate::requests::house::{House, STREET, agency, agency_id, street};

#[tokio::test]
async fn three_months_are_filled_once_and_counted() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let added = demo::fill(&house.app, Uuid::from_u128(100), agency_id(), 7).await.unwrap();
        assert_eq!(added, demo::REQUESTS);
        assert_eq!(house.counted().await, (900, 900));
        assert_eq!(demo::fill(&house.app, Uuid::from_u128(100), agency_id(), 7).await.unwrap(), 0);
        assert_eq!(house.counted().await, (900, 900));
        let accepted = house.count("select count(*) from request where state = 'accepted'").await;
        assert!(accepted > 0);
        assert_eq!(i64::try_from(house.published().await.len()).unwrap(), accepted);
        assert_eq!(house.count("select count(distinct substr(area_code, 1, 12)) from request").await, 11);
        assert!(house.count("select count(*) from request where state = 'closed'").await > 600);
        assert!(house.count("select count(distinct state) from request").await >= 8);
        assert_eq!(house.count("select count(*) from history where from_state = to_state").await, 0);
        let page = house.get(&street(), &format!("/v1/requests?area={STREET}&limit=200")).await;
        assert_eq!(page.body["items"].as_array().unwrap().len(), 200, "{}", page.text);
        let theirs = house.get(&agency(), "/v1/requests?state=dispatched").await;
        assert!(!theirs.body["items"].as_array().unwrap().is_empty());
    })
    .await;
}
