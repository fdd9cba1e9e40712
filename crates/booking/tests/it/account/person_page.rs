//! The page of one person, and looking people up by a page.

use sanbao_platform::testing::on_both;
use serde_json::json;

use crate::account::kit::{Browser, Site};

#[tokio::test]
async fn a_page_finds_people_and_each_has_a_page() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let nurse = site.token("nurse").await;
        let body = json!({ "name": "谌某香", "national_id": "11010519491231002X", "phone": "13812345678",
            "address": "丙弄 3 号" });
        let made = site.api(&nurse, "POST", "/v1/persons", body).await.expect(201);
        let path = format!("/persons/{}", made["id"].as_str().unwrap());
        let mut browser = Browser::new();
        browser.log_in(&site, "nurse").await;
        assert!(browser.open(&site, "/persons").await.checked(200).text.contains("找人"));
        let found = browser.form(&site, "/persons", &[("q", "cmx")]).await.checked(200).text;
        assert!(found.contains(&path) && found.contains("拼音首字母") && found.contains("76 岁"), "{found}");
        assert!(browser.form(&site, "/persons", &[("q", "郑")]).await.checked(200).text.contains("没有找到"));
        assert!(browser.open(&site, "/residents").await.checked(200).text.contains(&path));
        let page = browser.open(&site, &path).await.checked(200).text;
        for words in ["谌某香", "138****5678", "110105********002X", "查看完整证件号", "登记去世或离开", "申请会诊"]
        {
            assert!(page.contains(words), "{words}");
        }
        assert!(!page.contains("11010519491231002X") && !page.contains("13812345678"));
        assert!(!page.contains("最近谁看过") && !page.contains("/requests/part"));
        let end = json!({ "kind": "died", "on": "2026-11-20" });
        site.api_with(&nurse, "POST", &format!("/v1{path}/end"), end, &[("if-match", "\"1\"")]).await.expect(200);
        let page = browser.open(&site, &path).await.checked(200).text;
        assert!(page.contains("不能再有新的安排") && page.contains("撤销登记") && !page.contains("申请会诊"));
        let found = browser.form(&site, "/persons", &[("q", "5678")]).await.checked(200).text;
        assert!(found.contains("去世"));
    })
    .await;
}

#[tokio::test]
async fn who_may_not_look_up_is_told_so_and_strangers_have_no_page() {
    on_both(|engine| async move {
        let site = Site::open(&engine).await;
        let (mut doctor, mut dispatcher) = (Browser::new(), Browser::new());
        doctor.log_in(&site, "doctor").await;
        dispatcher.log_in(&site, "dispatcher").await;
        assert_eq!(doctor.open(&site, "/persons").await.status, 403);
        let resident = format!("/persons/{}", site.network.residents[0]);
        for browser in [&mut doctor, &mut dispatcher] {
            assert_eq!(browser.open(&site, &resident).await.status, 404);
        }
        let agency = site.token("dispatcher").await;
        let made = site.api(&agency, "POST", "/v1/persons", json!({ "name": "周某" })).await.expect(201);
        let page = format!("/persons/{}", made["id"].as_str().unwrap());
        let page = dispatcher.open(&site, &page).await.checked(200).text;
        assert!(page.contains("/requests/part?person=") && page.contains("没有会诊，也没有上门"));
    })
    .await;
}
