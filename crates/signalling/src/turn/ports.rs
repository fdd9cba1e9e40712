//! The ports of the embedded server that are open now. Its thread says which; the list of ICE servers for a client is
//! made from them.

use tokio::sync::watch;

/// The open ports of the embedded server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenPorts {
    /// The one of UDP and TCP.
    pub plain: bool,
    /// The one of TLS.
    pub tls: bool,
}

/// Where the server says which ports are open.
#[derive(Clone, Debug)]
pub struct PortsReporter(watch::Sender<Option<OpenPorts>>);

/// Where others see it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PortsWatch(watch::Receiver<Option<OpenPorts>>);

/// The two ends, before the server has tried to open anything.
pub fn ports() -> (PortsReporter, PortsWatch) {
    let (reporter, watch) = watch::channel(None);
    (PortsReporter(reporter), PortsWatch(watch))
}

impl PortsReporter {
    /// These are open from now on, and no others.
    pub fn report(&self, open: OpenPorts) {
        self.0.send_replace(Some(open));
    }
}

impl PortsWatch {
    /// Every port is taken for open, to show what a configuration tells when all is well.
    pub fn all() -> Self {
        let (reporter, watch) = ports();
        reporter.report(OpenPorts { plain: true, tls: true });
        watch
    }

    /// The ports that are open now.
    pub fn now(&self) -> OpenPorts {
        self.0.borrow().unwrap_or_default()
    }

    /// Comes back once the server has tried to open its ports, or is gone without having tried.
    pub async fn known(&self) {
        let _ = self.0.clone().wait_for(Option::is_some).await;
    }
}
