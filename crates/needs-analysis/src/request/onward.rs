//! The way of a new request on the press that takes it down: to an agency (登记并派单), or into an open one (并单).

use sanbao_platform::db::Tx;
use sanbao_platform::lifecycle::{By, Call, advance};
use sanbao_platform::problem::Problem;

use super::input::NewRequest;
use super::model::Request;
use super::step::{RequestStep, Said};
use super::{directory, merged};

/// Takes the steps that were asked for with it; an error undoes the request too.
pub(super) async fn go(call: Call<'_, Request>, tx: &mut Tx, new: Request, body: &NewRequest) -> Result<(), Problem> {
    let by = By::Person(call.ctx);
    match (&body.dispatch, &body.merge) {
        (None, None) => Ok(()),
        (Some(_), Some(_)) => {
            Err(Problem::field("/merge", "并单和派单只能选一个", "Either it is merged or it is sent, not both"))
        }
        (Some(to), None) => {
            let unknown = || {
                Problem::field(
                    "/dispatch/agency_id",
                    "没有这个机构，或它已停用",
                    "There is no such agency, or it is closed",
                )
            };
            let needed = || Problem::field("/dispatch/agency_id", "请选择派给哪家机构", "Choose the agency");
            let agency = to.agency_id.ok_or_else(needed)?;
            if !directory::takes_requests(tx, agency).await? {
                return Err(unknown());
            }
            let confirmed = RequestStep::Triage { category: None, urgency: None, said: Said::default() };
            let triaged = advance(tx, &by, new, confirmed).await?;
            advance(tx, &by, triaged, RequestStep::Dispatch { agency, said: Said::default() }).await?;
            Ok(())
        }
        (None, Some(to)) => {
            let open = merged::target(call, tx, Some(to.into), None, "/merge/into").await?;
            merged::join(tx, &by, new, open).await?;
            Ok(())
        }
    }
}
