//! The figures of matters: what each level and area did in a month, as they are defined, and as a file.

use std::time::Duration;

use sanbao_platform::testing::{Person, on_both};
use serde_json::{Value, json};

use crate::requests::house::{CHENGDONG, House, STREET, XIMEN, administrator, analyst, officer, street};
use crate::requests::matters::{raise, take};

const GRID: &str = "330211001001-C1-G1";

fn grid_leader() -> Person {
    officer(13, 100, "area_leader", &[GRID])
}

fn community() -> Person {
    officer(16, 102, "dispatcher", &[CHENGDONG]).of_a("community")
}

async fn figures(house: &House, who: &Person, area: &str, month: &str) -> Value {
    house.get(who, &format!("/v1/matters/figures?area={area}&month={month}")).await.expect(200)
}

/// The numbers of an area at a level, empty for all levels.
fn of(figures: &Value, area: &str, level: &str) -> [Option<i64>; 9] {
    let items = figures["items"].as_array().unwrap();
    let found = items.iter().find(|i| i["area_code"] == area && i["level"].as_str().unwrap_or("") == level);
    let names = ["raised", "settled", "sent_up", "due", "in_time", "closing_rate_percent", "sent_up_percent"];
    let names = names.into_iter().chain(["median_minutes", "p90_minutes"]).collect::<Vec<_>>();
    std::array::from_fn(|n| found.and_then(|item| item[names[n]].as_i64()))
}

/// Seven of a grid: five settled after 1, 2, 3, 4 and 10 hours, one sent up, one late.
async fn a_week(house: &House) -> (String, String) {
    house.get(&community(), "/v1/matters").await.expect(200);
    let mut raised = Vec::new();
    for _ in 0..7 {
        raised.push(raise(house, &grid_leader(), GRID).await);
    }
    let (sent, late) = (raised.pop().unwrap(), raised.pop().unwrap());
    take(house, &grid_leader(), &sent, "send-up", "大").await.expect(200);
    for (id, hours) in raised.iter().zip([1, 1, 1, 1, 6]) {
        house.clock.advance(Duration::from_hours(hours));
        take(house, &grid_leader(), id, "settle", "好了").await.expect(200);
    }
    house.clock.advance(Duration::from_hours(72));
    (sent, late)
}

#[tokio::test]
async fn a_month_is_counted_as_it_is_defined() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        let ((sent, late), n) = (a_week(&house).await, Some::<i64>);
        let now = figures(&house, &analyst(), STREET, "").await;
        assert_eq!((&now["month"], &now["items"][0]["area_name"]), (&json!("2026-11"), &json!("招宝山街道")));
        // Of the seven of the grid one went up before it was due, and one is late.
        let grid = [n(7), n(5), n(1), n(6), n(5), n(83), n(17), n(180), n(600)];
        assert_eq!(of(&now, STREET, "grid"), grid);
        assert_eq!(of(&now, STREET, "community"), [None; 9], "its clock runs still");
        assert_eq!(of(&now, STREET, ""), [n(7), n(5), n(0), n(6), n(5), n(83), n(0), n(180), n(600)]);
        assert_eq!(of(&now, CHENGDONG, ""), of(&now, STREET, ""));
        assert_eq!(of(&now, XIMEN, ""), [n(0), n(0), n(0), n(0), n(0), None, None, None, None]);
        take(&house, &community(), &sent, "answer", "已约").await.expect(200);
        take(&house, &grid_leader(), &sent, "settle", "好了").await.expect(200);
        take(&house, &grid_leader(), &late, "settle", "晚了").await.expect(200);
        let after = figures(&house, &street(), CHENGDONG, "2026-11").await;
        let community = of(&after, CHENGDONG, "community");
        assert_eq!(community[..5], [n(0), n(1), n(0), n(0), n(0)], "an answer is what the community settles");
        assert_eq!(community[5..], [None; 4], "nothing is said of one");
        let all = of(&after, CHENGDONG, "");
        assert_eq!(all[..7], [n(7), n(7), n(1), n(6), n(5), n(83), n(14)], "late is late, and one had gone up");
        assert_eq!(of(&after, CHENGDONG, "grid")[1], n(7), "its second stay with the grid was settled too");
        assert_eq!(of(&after, &format!("{CHENGDONG}-C1"), "")[0], n(7));
        house
            .get(&community_of_ximen(), &format!("/v1/matters/figures?area={CHENGDONG}"))
            .await
            .refused(404, "not-found");
        for wrong in ["month=2026-12", "month=x", "area=%20%20x%20y"] {
            house.get(&street(), &format!("/v1/matters/figures?{wrong}")).await.refused(422, "invalid");
        }
        // What is moved in December counts in November where it lay then.
        let there = json!({ "parent": format!("{XIMEN}-C1"), "from": "2026-12-01" });
        house.post(&administrator(), &format!("/v1/areas/{GRID}/move"), there).await.expect(200);
        house.clock.advance(Duration::from_hours(8 * 24));
        let november = figures(&house, &street(), STREET, "2026-11").await;
        assert_eq!((of(&november, CHENGDONG, "")[0], of(&november, XIMEN, "")[0]), (n(7), n(0)));
        let december = figures(&house, &street(), STREET, "").await;
        assert_eq!(of(&december, STREET, "")[..2], [n(0), n(0)]);
    })
    .await;
}

fn community_of_ximen() -> Person {
    officer(17, 103, "dispatcher", &[XIMEN]).of_a("community")
}

#[tokio::test]
async fn the_file_holds_a_row_for_each_area_and_level_and_its_export_is_written_down() {
    on_both(|engine| async move {
        let house = House::open(&engine).await;
        a_week(&house).await;
        let file = house.get(&analyst(), &format!("/v1/matters/figures.csv?area={CHENGDONG}")).await.checked(200);
        assert!(file.header("content-disposition").contains("sanbao-matters-330211001001-2026-11.csv"));
        let lines: Vec<&str> = file.text.trim_start_matches('\u{feff}').lines().collect();
        assert!(lines[0].starts_with("区域编码,区域,月份,层级,新提出,办结"), "{}", lines[0]);
        assert_eq!(lines[1], "330211001001,城东社区,2026-11,全部层级,7,5,0,6,5,83,0,180,600");
        assert_eq!(lines[2], "330211001001,城东社区,2026-11,网格,7,5,1,6,5,83,17,180,600");
        assert_eq!(house.count("select count(*) from audit where action = 'needs.export'").await, 1);
        let page = house.get(&analyst(), &format!("/matters/figures?area={CHENGDONG}")).await.checked(200).text;
        for wanted in ["83%（5／6）", "3 小时", "10 小时", "期限已到且最后一天在本月", "figures.csv?month=2026-11"]
        {
            assert!(page.contains(wanted), "{wanted}: {page}");
        }
    })
    .await;
}
