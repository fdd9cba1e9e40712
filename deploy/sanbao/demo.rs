//! `sanbao demo`: a filled network with log-ins that everybody may know, on this machine or in this house.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Instant;

use sanbao_booking::account::organisation::OrganisationKind;
use sanbao_booking::{account, consult, role, visit};
use sanbao_needs_analysis::{door, matter, request};
use sanbao_platform::bus::Outbox;
use sanbao_platform::clock::Clock;
use sanbao_platform::http;
use sanbao_platform::problem::Problem;
use tokio_util::sync::CancellationToken;

use crate::cli::DemoArgs;
use crate::command_error::CommandError;
use crate::compose::{self, Network, Parts, Purpose};
use crate::folder;
use crate::lan::{self, LanCertificate};
use crate::lan_page::{self, TrustPage};
use crate::role::Role;
use crate::run;
use crate::settings::Settings;

/// A demo's HTTPS side: the certificate and the addresses tablets may use.
struct House {
    certificate: LanCertificate,
    addresses: Vec<IpAddr>,
}

/// Runs the demo until it is asked to end.
pub async fn run(args: DemoArgs, started: Instant) -> Result<(), CommandError> {
    let dir = args.folder()?;
    let _claim = folder::claim_demo(&dir)?;
    let clock = Clock::system();
    let house = args.lan.then(|| open_house(&dir, &clock)).transpose()?;
    let address = house.as_ref().map_or(Ipv4Addr::LOCALHOST.into(), |h| h.addresses[0]);
    let turn_port = run::turn_port(address, args.turn_port)?;
    let settings = args.settings(&dir, address, turn_port, house.as_ref().map(|h| h.certificate.tls.clone()));
    let listener = run::bind(&settings)?;
    let beside = house.as_ref().map(|h| open_trust_page(h, &settings, &clock)).transpose()?;
    let fresh = folder::needs_filling(&dir)?;
    let parts = Parts::open(&settings, Role::ALL, Purpose::Serve, clock).await?;
    if fresh {
        fill(&parts).await?;
        folder::filled(&dir)?;
    }
    let network = compose::start(parts).await?;
    let words = Words { dir: &dir, settings: &settings, house: house.as_ref() };
    let say = async |_: &Network| words.say(started).map_err(CommandError::Output);
    run::serve(listener, network, settings.site.tls(), beside, say).await
}

fn open_house(dir: &Path, clock: &Clock) -> Result<House, CommandError> {
    let addresses = lan::addresses()?;
    let certificate = lan::certificate(&dir.join("lan"), &addresses, clock.now())?;
    Ok(House { certificate, addresses })
}

/// The port beside the site's on which the authority is fetched.
fn trust_address(settings: &Settings) -> SocketAddr {
    SocketAddr::new(settings.listen.ip(), settings.listen.port().saturating_add(1))
}

fn open_trust_page(
    house: &House,
    settings: &Settings,
    clock: &Clock,
) -> Result<(http::Listener, axum::Router), CommandError> {
    let listener = run::bind_at(trust_address(settings))?;
    let page = TrustPage { certificate: house.certificate.clone(), site: settings.public_url.clone() };
    Ok((listener, http::finish(lan_page::routes(page), clock.clone(), CancellationToken::new(), false)))
}

/// The seed of the demo's three months: the same for everybody, so that people can compare.
const SEED: u64 = 20_261_123;

/// Fills empty databases by the services' own demos: people first, then consults, requests, and visits from
/// the requests' own events.
pub async fn fill(parts: &Parts) -> Result<(), CommandError> {
    let failed = |p: Problem| {
        let cause = p.cause().map_or_else(|| format!("{:?}", p.kind()), str::to_owned);
        CommandError::Service("filling the demo", cause)
    };
    let (booking, needs) = (parts.booking_app()?, parts.needs_app()?);
    let network = account::demo::fill(&booking).await.map_err(failed)?;
    consult::demo::fill(&booking, &people(&network)).await.map_err(failed)?;
    request::demo::fill(&needs, network.street_office.0, network.agency.0, SEED)
        .await
        .map_err(|e| CommandError::Service("filling the demo's requests", e.to_string()))?;
    door::demo::fill(&needs, network.street_office.0)
        .await
        .map_err(|e| CommandError::Service("filling the demo's rounds of door knocks", e.to_string()))?;
    matter::demo::fill(&needs, network.street_office.0)
        .await
        .map_err(|e| CommandError::Service("filling the demo's matters", e.to_string()))?;
    let log = Outbox::new(sanbao_needs_analysis::NAME, parts.stores.of(Role::NeedsAnalysis)?.clone());
    let caregivers: Vec<_> = network.of_role(role::CAREGIVER).map(|a| a.id.0).collect();
    visit::demo::fill(&booking, &log, network.agency.0, &caregivers).await.map_err(failed)?;
    Ok(())
}

/// The people whom the demo's consults are about.
fn people(network: &account::demo::Network) -> consult::demo::DemoPeople {
    let doctors = network.of_role(role::DOCTOR).map(|d| (d.id, d.specialty.unwrap_or("geriatrics").to_owned()));
    consult::demo::DemoPeople {
        care_home: network.care_home,
        hospital: network.hospital,
        rooms: network.rooms.clone(),
        care_staff: network.of_role(role::CARE_STAFF).map(|a| a.id).next().unwrap_or_else(|| network.accounts[0].id),
        doctors: doctors.collect(),
        residents: network.residents.clone(),
    }
}

/// A role in words.
fn role_names(role: &str, kind: OrganisationKind) -> (&'static str, &'static str) {
    match role {
        role::DISPATCHER if kind == OrganisationKind::StreetOffice => ("街道接单派单", "the street's dispatcher"),
        role::CARE_STAFF => ("养老院护理", "care staff"),
        role::DOCTOR => ("医院医生", "doctor"),
        role::DISPATCHER => ("机构排班", "agency's dispatcher"),
        role::CAREGIVER => ("上门照护", "caregiver"),
        role::ANALYST => ("街道分析", "analyst"),
        role::AREA_LEADER => ("楼道长、网格长", "stair and grid leader"),
        role::ADMINISTRATOR => ("管理员", "administrator"),
        _ => ("", ""),
    }
}

/// The demo's words on standard output.
struct Words<'a> {
    dir: &'a Path,
    settings: &'a Settings,
    house: Option<&'a House>,
}

impl Words<'_> {
    fn say(&self, started: Instant) -> io::Result<()> {
        let ms = started.elapsed().as_millis();
        let mut out = io::stdout().lock();
        writeln!(out, "\n  三宝演示已就绪 · The Sanbao demo is ready ({ms} ms)\n")?;
        writeln!(out, "  打开 Open        {}", self.settings.public_url)?;
        writeln!(out, "  接口 API         {}/openapi.json", self.settings.public_url)?;
        writeln!(out, "  数据 Data        {}", self.dir.display())?;
        writeln!(out, "  结束 Stop        Ctrl-C\n")?;
        say_accounts(&mut out)?;
        if let Some(house) = self.house {
            self.say_house(&mut out, house)?;
        }
        out.flush()
    }

    fn say_house(&self, out: &mut impl io::Write, house: &House) -> io::Result<()> {
        let port = self.settings.listen.port();
        let trust = trust_address(self.settings).port();
        writeln!(out, "  平板和手机（同一网络） · Tablets and phones in the same network")?;
        writeln!(out, "    1. 信任证书 Trust the certificate:")?;
        for address in &house.addresses {
            writeln!(out, "         http://{}", SocketAddr::new(*address, trust))?;
        }
        writeln!(out, "       指纹 Fingerprint (SHA-256):")?;
        let (first, second) = house.certificate.fingerprint.split_at(48);
        writeln!(out, "         {first}\n         {second}")?;
        if house.addresses.iter().any(|a| !lan::is_private(*a)) {
            writeln!(out, "    ! 本机有非内网地址:外人可能用公开的演示密码登录。 An address here is not private:")?;
            writeln!(out, "      everybody who reaches it may log in with the passwords above.")?;
        }
        writeln!(out, "    2. 打开演示 Open the demo:")?;
        for address in &house.addresses {
            writeln!(out, "         https://{}", SocketAddr::new(*address, port))?;
        }
        writeln!(out)
    }
}

fn say_accounts(out: &mut impl io::Write) -> io::Result<()> {
    let (password, pin) = (account::demo::PASSWORD, account::demo::PIN);
    writeln!(out, "  登录 Log in      密码 password  {password}    换人 PIN  {pin}\n")?;
    for (login, name, (role, kind)) in account::demo::log_ins() {
        let (zh, en) = role_names(role, kind);
        writeln!(out, "    {login:<15} {name}  {zh} · {en}")?;
    }
    writeln!(out, "\n  演示账号人人知道：密码和 PIN 不查是否常见，也不要第二重验证。")?;
    writeln!(
        out,
        "  Everybody knows these accounts: their secrets are exempt from the list of common ones, and they need no"
    )?;
    writeln!(out, "  second factor.")?;
    writeln!(out, "\n  人名、地址、电话均为虚构。 All people, addresses and numbers are invented.\n")
}
