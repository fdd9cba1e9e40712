//! The port of TLS, which opens as soon as it and its certificate can be had.

use std::io;

use sanbao_platform::certificate::{Certificate, Tls};

use super::TurnDriver;
use crate::turn::driver::LISTENING_TLS;
use crate::turn::driver::streams::Listener;

impl TurnDriver {
    /// Whether TLS is to be served and is not.
    pub(super) fn lacks_tls(&self) -> bool {
        self.inner.config.tls.is_some() && self.tls.is_none()
    }

    /// Opens the port of TLS, if it is wanted and not open.
    pub(super) fn open_tls(&mut self) {
        let Some(wanted) = self.inner.config.tls.as_ref().filter(|_| self.tls.is_none()) else { return };
        let files = Tls { certificate: wanted.certificate.clone(), key: wanted.key.clone() };
        let read = Certificate::read("TURN", files, &[]).map_err(io::Error::other);
        let opened = read.and_then(|certificate| {
            let mut listener = Listener::bind(wanted.listen, Some(certificate))?;
            listener.register(self.inner.poll.registry(), LISTENING_TLS)?;
            Ok(listener)
        });
        match opened {
            Ok(listener) => {
                if !self.tls_error.is_empty() {
                    tracing::info!(listen = %wanted.listen, "TURN over TLS is served now");
                }
                self.tls = Some(listener);
                self.say_open();
            }
            Err(error) => {
                let error = error.to_string();
                // Once, not at each try.
                if error != self.tls_error {
                    tracing::error!(
                        listen = %wanted.listen, certificate = %wanted.certificate.display(), error,
                        "TURN is served over UDP and TCP only, and clients are not told of TLS; trying again"
                    );
                    self.tls_error = error;
                }
            }
        }
    }
}
