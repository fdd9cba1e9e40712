//! Where a log-in is: on which device, by which program, from which address. Its owner sees it in the list of log-ins.

use sanbao_platform::http::Visitor;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::text_enum;

use crate::account::id::DeviceId;

text_enum! {
    /// Whose a device is.
    pub enum DeviceKind {
        /// The house's: several people log in there, and a log-in ends when nobody presses anything for a while.
        Shared = "shared",
        /// One person's own, such as a caregiver's phone.
        Own = "own",
    }
}

/// Programs by a part of what they name themselves, the more special ones first.
const PROGRAMS: &[(&str, &str)] = &[
    ("MicroMessenger/", "WeChat"),
    ("HuaweiBrowser/", "Huawei"),
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
const SYSTEMS: &[(&str, &str)] = &[
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPad", "iPad"),
    ("iPhone", "iPhone"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// The place of a log-in.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) address: String,
    /// The program and its system: `Chrome · Android`.
    pub(super) agent: Option<String>,
    /// The browser's device; none of a program.
    pub(super) device: Option<DeviceId>,
    /// The organisation that was asked for.
    pub(super) organisation: Option<OrganisationId>,
    /// The request that logs in there.
    pub(super) request_id: String,
}

impl Place {
    /// Where a request came from.
    pub(super) fn of(visitor: &Visitor) -> Self {
        let (address, agent) = (visitor.address.to_canonical().to_string(), agent(&visitor.agent));
        Self { address, agent, device: None, organisation: None, request_id: visitor.request_id.clone() }
    }

    /// The same in an organisation that was asked for.
    pub(super) fn at(self, organisation: Option<OrganisationId>) -> Self {
        Self { organisation, ..self }
    }

    /// The same on a device.
    pub(super) fn on(self, device: DeviceId) -> Self {
        Self { device: Some(device), ..self }
    }
}

fn agent(named: &str) -> Option<String> {
    let known =
        |list: &[(&str, &'static str)]| list.iter().find(|(part, _)| named.contains(part)).map(|(_, name)| *name);
    let parts: Vec<_> = [known(PROGRAMS), known(SYSTEMS)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::agent;

    #[test]
    fn a_program_is_named_as_people_know_it() {
        for (named, expected) in [
            ("Mozilla/5.0 (Linux; Android 14; TAB) AppleWebKit/537.36 Chrome/130.0 Safari/537.36", "Chrome · Android"),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge · Windows"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari · iPhone"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) MicroMessenger/8.0.50", "WeChat · iPhone"),
            ("curl/8.5.0", "curl"),
        ] {
            assert_eq!(agent(named).as_deref(), Some(expected));
        }
        assert_eq!(agent(""), None);
    }
}
