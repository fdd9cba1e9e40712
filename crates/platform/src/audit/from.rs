//! The address that a request came from, for the audit rows that are written while it is answered.
//!
//! It goes by the task and not by an argument, because rows are written deep below the handlers, and none may be without it.

use std::net::IpAddr;

tokio::task_local! {
    static ADDRESS: Option<IpAddr>;
}

/// Runs what answers a request that came from `address`.
pub(crate) async fn answering<T>(address: Option<IpAddr>, answer: impl Future<Output = T>) -> T {
    ADDRESS.scope(address, answer).await
}

/// Work that goes on beside a request after its answer, and is still of the address that the request came from.
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    ADDRESS.scope(ADDRESS.try_with(|address| *address).ok().flatten(), work)
}

/// The address of the request that this task answers; none for an event, a timer or the command line.
pub(crate) fn address() -> Option<String> {
    ADDRESS.try_with(|address| address.map(|ip| ip.to_canonical().to_string())).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_known_while_its_request_is_answered() {
        assert_eq!(address(), None);
        let inside = answering(Some(IpAddr::from([192, 0, 2, 7])), async { address() }).await;
        assert_eq!(inside.as_deref(), Some("192.0.2.7"));
        let beside = async { tokio::spawn(carried(async { address() })).await.ok().flatten() };
        let beside = answering(Some(IpAddr::from([192, 0, 2, 7])), beside).await;
        assert_eq!(beside.as_deref(), Some("192.0.2.7"));
        assert_eq!(answering(None, async { address() }).await, None);
    }
}
