//! Whether two services know the same of each other.

use sanbao::compose::Stores;
use sanbao::role::Role;
use sanbao_platform::db::Db;
use sanbao_platform::on;
use sanbao_platform::testing::until;
use uuid::Uuid;

use super::Served;

const AGENCIES: &str = "select id from organisation where kind = 'home_care_agency' order by id";
const AGENCIES_KNOWN: &str = "select organisation_id from agency order by organisation_id";
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

/// Both have heard everything: the same things are known on both sides.
pub async fn in_step(served: &Served) {
    until("both sides know the same", async || {
        let [owned, heard] = seen(&served.network.stores).await;
        owned == heard
    })
    .await;
    served.nobody().get("/readyz").await.expect(200);
}
