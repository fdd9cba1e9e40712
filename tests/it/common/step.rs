//! Whether two services know the same of each other.

use sanbao::compose::Stores;
use sanbao::role::Role;
use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::testing::until_agreed;
use uuid::Uuid;

use super::Served;

const AGENCIES: &str = "select id from organisation where kind = 'home_care_agency' order by id";
const AGENCIES_KNOWN: &str = "select organisation_id from agency order by organisation_id";
const HEARING: &str = "select c.consumer, c.position,
    (select min(p.kind || ': ' || p.cause) from parked_event p where p.consumer = c.consumer)
    from inbox_cursor c order by c.consumer";
const AREAS: &str = "select code from area order by code";

/// The agencies and the areas, as those see them who own them and those who have heard of them.
async fn seen(stores: &Stores) -> [(Vec<Uuid>, Vec<String>); 2] {
    let (booking, needs) = (stores.of(Role::Booking).unwrap(), stores.of(Role::NeedsAnalysis).unwrap());
    let agencies = async |db: &Db, statement: &'static str| {
        let mut conn = db.read().await.unwrap();
        on!(conn, |c| sqlx::query_scalar(statement).fetch_all(c).await).unwrap()
    };
    let areas = async |db: &Db| {
        let mut conn = db.read().await.unwrap();
        on!(conn, |c| sqlx::query_scalar(AREAS).fetch_all(c).await).unwrap()
    };
    [
        (agencies(booking, AGENCIES).await, areas(needs).await),
        (agencies(needs, AGENCIES_KNOWN).await, areas(booking).await),
    ]
}

/// How far each consumer of both has come, and what it gave up on.
async fn hearing(stores: &Stores) -> Vec<(String, i64, Option<String>)> {
    let mut all = Vec::new();
    for role in [Role::Booking, Role::NeedsAnalysis] {
        let mut conn = stores.of(role).unwrap().read().await.unwrap();
        all.extend(on!(conn, |c| sqlx::query_as(HEARING).fetch_all(c).await).unwrap());
    }
    all
}

/// Both have heard everything: the same things are known on both sides.
pub async fn in_step(served: &Served) {
    until_agreed("both sides know the same", async || {
        let [owned, heard] = seen(&served.network.stores).await;
        if owned == heard {
            return None;
        }
        let (agencies, areas) = (owned.0.len(), owned.1.len());
        let known =
            format!("{} of {agencies} agencies and {} of {areas} areas are known", heard.0.len(), heard.1.len());
        Some(format!("{known}; {:?}", hearing(&served.network.stores).await))
    })
    .await;
    served.nobody().get("/readyz").await.expect(200);
}
