//! Services that run apart have one address: every route and every file of each must be led to it by the shipped
//! `deploy/nginx.conf`, and no location of that file may lead to nothing.

use std::collections::BTreeSet;

use sanbao::role::Role;
use sanbao::{around, compose};
use sanbao_platform::clock::Clock;
use sanbao_platform::{testing, web};

use crate::aiortc::open_consult;
use crate::common;
use crate::common::apart::Apart;
use crate::common::chromium::Browser;
use crate::common::nginx::{Match, Nginx};
use crate::common::proxy::Proxy;

/// A path that a pattern of axum's stands for: `/consults/{id}` for one.
fn sample(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| if part.starts_with('{') { "330211001-x" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Every path that a service has, with its name.
async fn paths() -> Vec<(&'static str, String)> {
    let parts = common::parts(&testing::sqlite(), Clock::system()).await;
    let mut paths = Vec::new();
    for service in compose::services(&parts).unwrap() {
        let routes = &service.routes;
        assert!(!routes.openapi.paths.paths.is_empty() && !routes.files.is_empty(), "{routes:?}");
        let described = routes.openapi.paths.paths.keys().cloned();
        let beside = routes.pages.iter().chain(&routes.files).map(|path| (*path).to_owned());
        paths.extend(described.chain(beside).map(|path| (service.name, path)));
    }
    paths
}

#[tokio::test]
async fn every_route_and_file_is_led_to_its_service() {
    let nginx = Nginx::shipped();
    let paths = paths().await;
    assert!(paths.len() > 120, "only {} paths", paths.len());
    let astray = paths.iter().filter_map(|(service, pattern)| {
        let location = nginx.location(&sample(pattern));
        let right = location.service == *service && location.asked.is_none();
        (!right).then(|| format!("{pattern} of {service} is led by {location:?}"))
    });
    assert_eq!(astray.collect::<Vec<_>>(), Vec::<String>::new());
}

#[tokio::test]
async fn what_every_process_has_is_asked_of_one() {
    let nginx = Nginx::shipped();
    let (own, web) = (around::routes(), web::routes());
    let own: Vec<&str> = own.paths().chain(web.pages.iter().copied()).chain(web.files.iter().copied()).collect();
    assert!(own.contains(&"/healthz") && own.contains(&"/static/sanbao.css"), "{own:?}");
    for path in own {
        assert_eq!(nginx.location(&sample(path)).service, "booking", "{path}");
    }
}

#[tokio::test]
async fn no_location_leads_to_what_is_not_there() {
    let nginx = Nginx::shipped();
    let paths = paths().await;
    let taken: BTreeSet<String> = paths.iter().map(|(_, path)| nginx.location(&sample(path)).path.clone()).collect();
    for location in nginx.locations() {
        let document = location.how == Match::Exact && location.asked.as_deref() == Some("/openapi.json");
        assert!(document || taken.contains(&location.path), "nothing is led by {location:?}");
    }
}

#[tokio::test]
async fn a_static_file_stands_under_the_name_of_its_service() {
    for (service, path) in paths().await {
        if path.starts_with("/static/") {
            assert!(path.starts_with(&format!("/static/{service}/")), "{path} of {service}");
        }
    }
}

#[test]
fn locations_are_taken_as_nginx_takes_them() {
    let site = |locations: &str| {
        let maps = "map \"\" $a { default a:1; } map \"\" $b { default b:1; }";
        Nginx::read(&format!("{maps} server {{ {locations} }}"))
    };
    let nginx = site(
        "location / { proxy_pass http://$a; } # a comment { \n location /room { proxy_pass http://$b; }
         location ^~ /room/own { proxy_pass http://$a; } location = /room { proxy_pass http://$a/other; }",
    );
    for (path, service) in
        [("/", "a"), ("/room", "a"), ("/room/", "b"), ("/rooms", "b"), ("/room/own/x", "a"), ("/roo", "a")]
    {
        assert_eq!(nginx.location(path).service, service, "{path}");
    }
    assert_eq!(nginx.location("/room").asked.as_deref(), Some("/other"));
}

/// Holds every file of the services against its type; the findings are those that came as something else.
async fn missing_files(browser: &Browser) -> Vec<String> {
    let mut missing = Vec::new();
    for (_, path) in paths().await.into_iter().filter(|(_, path)| path.starts_with("/static/")) {
        let script =
            format!("const a = await fetch({path:?}); return `${{a.status}} ${{a.headers.get('content-type')}}`");
        let came = browser.run(&script).await;
        let end = std::path::Path::new(&path).extension().and_then(|end| end.to_str());
        let kind = match end {
            Some("js") => "200 text/javascript",
            Some("csv") => "200 text/csv",
            _ => "200 text/css",
        };
        if !came.as_str().unwrap().starts_with(kind) {
            missing.push(format!("{path}: {came}"));
        }
    }
    missing
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_opens_behind_a_real_nginx_on_another_port() {
    let Some(mut apart) = Apart::new().await else { return };
    apart.write_secret();
    let parts = common::parts(&testing::TestEngine::Postgres(apart.url.clone()), Clock::system()).await;
    sanbao::demo::fill(&parts).await.unwrap();
    let proxy = Proxy::prepare();
    let url = proxy.url();
    apart.public_url = Some(url.clone());
    for role in Role::ALL {
        apart.start(*role).await;
    }
    let proxy = proxy.start(&apart.bases()).await;
    let consult = open_consult(&apart.site().await.demo("nurse").await).await;
    let (nurse, doctor) =
        (Browser::trusting(&url, proxy.authority_pem()).await, Browser::trusting(&url, proxy.authority_pem()).await);
    nurse.log_in("nurse").await;
    doctor.log_in("doctor").await;
    let protocol = "return performance.getEntriesByType('navigation')[0].nextHopProtocol";
    assert_eq!(nurse.run(protocol).await, "h2", "a page with many tabs needs more than six connections");
    assert_eq!(missing_files(&nurse).await, Vec::<String>::new());
    nurse.enter_room(&consult, "").await;
    doctor.enter_room(&consult, "").await;
    nurse.sees_the_other("nurse").await;
    doctor.sees_the_other("doctor").await;
    nurse.run("await fetch('/setup/account?token=a-secret'); return ''").await;
    nurse.close().await;
    doctor.close().await;
    assert_eq!(proxy.complaints(), "");
    let accesses = proxy.accesses();
    assert!(accesses.contains("\"GET /room\" 200") && accesses.contains("\"GET /setup/account\" 410"), "{accesses}");
    assert!(!accesses.contains('?') && !accesses.contains("a-secret"), "a query is not written down: {accesses}");
}
