//! The arguments that the command line takes and refuses, and with which words.

#![expect(clippy::unwrap_used, reason = "tests")]

use clap::{CommandFactory as _, Parser as _};

use super::*;

fn serve(flags: &str) -> Result<Settings, String> {
    let line = ["sanbao", "serve"].into_iter().chain(flags.split_whitespace());
    match Cli::try_parse_from(line).map_err(|e| e.to_string())?.command {
        Command::Serve(args) => args.settings().map_err(|e| e.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_readme_lists_every_flag_of_serve_with_its_variable() {
    let readme = include_str!("../../README.md");
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with("| ")).collect();
    let mut command = Cli::command();
    let serve = command.find_subcommand_mut("serve").unwrap();
    for argument in serve.get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str())) {
        let flag = argument.get_long().map_or_else(|| "`serve SERVICE`".to_owned(), |long| format!("`--{long}`"));
        let variable = argument.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
        let told = rows.iter().any(|row| row.contains(&flag) && row.contains(&variable));
        assert!(told, "README, \"Configuration\": no row has {flag} and {variable}");
    }
}

/// Each flag of `serve` beside others that it needs: the two lines differ in it alone.
const DIFFER_IN_ONE_FLAG: &[(&str, &str, &str)] = &[
    ("role", SHARED, "booking"),
    ("listen", "--data-dir d", "--data-dir d --listen 127.0.0.1:9"),
    ("data_dir", "--data-dir d", "--data-dir e"),
    ("database_url", "--secret-file k --data-dir d", "--secret-file k --database-url postgres://db/s"),
    ("secret_file", "--data-dir d", "--data-dir d --secret-file k"),
    ("no_migrate", "--data-dir d", "--data-dir d --no-migrate"),
    ("ntp", "--data-dir d", "--data-dir d --ntp time.example"),
    ("tls_cert", "--data-dir d --tls-key k --tls-cert c", "--data-dir d --tls-key k --tls-cert e"),
    ("tls_key", "--data-dir d --tls-cert c --tls-key k", "--data-dir d --tls-cert c --tls-key e"),
    ("behind_https_proxy", "--data-dir d", "--data-dir d --behind-https-proxy"),
    ("public_url", "--data-dir d", "--data-dir d --public-url https://care.example"),
    ("dialling_code", "--data-dir d", "--data-dir d --dialling-code 0574"),
    ("signal_file", "--data-dir d", "--data-dir d --signal-file s"),
    ("turn_listen", "--data-dir d", "--data-dir d --turn-listen 127.0.0.1:9"),
    ("turn_tls_listen", SERVED, "--data-dir d --tls-cert c --tls-key k --turn-tls-listen 127.0.0.1:9"),
    ("turn_tls_cert", OF_TURN, "--data-dir d --turn-tls-key k --turn-tls-cert e"),
    ("turn_tls_key", OF_TURN, "--data-dir d --turn-tls-cert c --turn-tls-key e"),
    ("turn_host", SERVED, "--data-dir d --tls-cert c --tls-key k --turn-host turn.example"),
    ("turn_public_ip", "--data-dir d", "--data-dir d --turn-public-ip 203.0.114.1"),
    ("turn_ports", "--data-dir d", "--data-dir d --turn-ports 40000-40999"),
    ("turn_allow", "--data-dir d", "--data-dir d --turn-allow 10.0.0.0/8"),
    ("turn_deny", "--data-dir d", "--data-dir d --turn-deny 10.0.0.0/8"),
    ("turn_urls", EXTERNAL, "--data-dir d --turn-secret s --turn-urls turn:u:3478"),
    ("turn_secret", "--data-dir d", EXTERNAL),
    ("no_turn", "--data-dir d", "--data-dir d --no-turn"),
    ("relay_only", "--data-dir d", "--data-dir d --relay-only nobody"),
    ("turn_bytes_per_s", "--data-dir d", "--data-dir d --turn-bytes-per-s 99999"),
    ("nats", "--database-url postgres://db/s --secret-file k", SHARED),
    ("nats_credentials", SHARED, "--nats-credentials c"),
    ("nats_ca", SHARED, "--nats-ca c"),
    ("nats_replicas", SHARED, "--nats-replicas 3"),
    ("nats_prefix", SHARED, "--nats-prefix house"),
    ("nats_stream_days_max", SHARED, "--nats-stream-days-max 9"),
    ("nats_stream_mib_max", SHARED, "--nats-stream-mib-max 9"),
    ("keep_event_days", "--data-dir d", "--data-dir d --keep-event-days 9"),
    ("keep_answer_days", "--data-dir d", "--data-dir d --keep-answer-days 9"),
    ("audit_checkpoints", "--data-dir d", "--data-dir d --audit-checkpoints c"),
    ("keep_audit_days", "--data-dir d", "--data-dir d --keep-audit-days 999"),
    ("keep_clinical_years", "--data-dir d", "--data-dir d --keep-clinical-years 30"),
    ("keep_consult_media_years", "--data-dir d", "--data-dir d --keep-consult-media-years 5"),
    ("keep_work_order_years", "--data-dir d", "--data-dir d --keep-work-order-years 10"),
    ("metrics_token", "--data-dir d", "--data-dir d --metrics-token t"),
    ("connections_max", "--data-dir d", "--data-dir d --connections-max 99"),
    ("connections_per_address_max", "--data-dir d", "--data-dir d --connections-per-address-max 9"),
    ("second_factor", "--data-dir d", "--data-dir d --second-factor nobody"),
    ("shared_idle_minutes", "--data-dir d", "--data-dir d --shared-idle-minutes 5"),
    ("log", "--data-dir d", "--data-dir d --log debug"),
    ("log_format", "--data-dir d", "--data-dir d --log-format plain"),
    ("otlp", "--data-dir d", COLLECTED),
    ("otlp_headers", COLLECTED, "--data-dir d --otlp http://c:4318 --otlp-headers x-tenant=t"),
    ("otlp_ca", COLLECTED, "--data-dir d --otlp http://c:4318 --otlp-ca c"),
];
const OF_TURN: &str = "--data-dir d --turn-tls-cert c --turn-tls-key k";
const SERVED: &str = "--data-dir d --tls-cert c --tls-key k";
const EXTERNAL: &str = "--data-dir d --turn-secret s --turn-urls turn:t:3478";
const COLLECTED: &str = "--data-dir d --otlp http://c:4318";
const SHARED: &str = "--database-url postgres://db/s --secret-file k --nats nats://n";

#[test]
fn the_printed_configuration_differs_by_every_flag_of_serve() {
    let printed = |flags: &str| crate::settings::toml_text(&serve(flags).unwrap().sections());
    let mut command = Cli::command();
    let serve = command.find_subcommand_mut("serve").unwrap();
    let ids = serve.get_arguments().map(|a| a.get_id().to_string());
    let mut flags: Vec<_> = ids.filter(|id| !["help", "version"].contains(&id.as_str())).collect();
    for (flag, without, with) in DIFFER_IN_ONE_FLAG {
        let with = if *without == SHARED { format!("{without} {with}") } else { (*with).to_owned() };
        assert_ne!(printed(without), printed(&with), "{flag} is not printed");
        flags.retain(|known| known != flag);
    }
    assert!(flags.is_empty(), "not tried: {flags:?}");
}

#[test]
fn alone_it_listens_on_this_machine_only() {
    let settings = serve("--data-dir /srv/s").unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.storage, Storage::Files("/srv/s".into()));
    assert_eq!(settings.secret_file, Path::new("/srv/s/secret.json"));
    assert_eq!(settings.public_url, "http://127.0.0.1:8080");
    assert!(matches!(settings.turn, Turn::Embedded { listen, .. } if listen.to_string() == "127.0.0.1:3478"));
}

#[test]
fn with_a_certificate_turn_speaks_tls_under_the_sites_name() {
    let site = "--data-dir d --listen [::]:8443 --tls-cert c --tls-key k --turn-public-ip 203.0.114.1,2001:db8::1";
    let tls_of = |flags: &str| match serve(&format!("{site} {flags}")).unwrap().turn {
        Turn::Embedded { tls, public_ips, .. } if public_ips.len() == 2 => tls.unwrap(),
        other => panic!("{other:?}"),
    };
    let by_default = tls_of("--public-url https://care.example:8443");
    assert_eq!((by_default.listen.to_string().as_str(), by_default.host.as_str()), ("[::]:5349", "care.example"));
    assert_eq!((by_default.certificate, by_default.key), ("c".into(), "k".into()));
    let given = tls_of("--turn-tls-listen 203.0.114.1:443 --turn-host turn.care.example");
    assert_eq!((given.listen.port(), given.host.as_str()), (443, "turn.care.example"));
    assert_eq!(tls_of("--public-url https://[2001:db8::1]").host, "[2001:db8::1]");
}

#[test]
fn connections_are_bounded_by_address_unless_all_are_a_proxys() {
    let bounds = |flags: &str| serve(&format!("--data-dir d {flags}")).map(|settings| settings.bounds);
    let of = |flags: &str| bounds(flags).map(|b| (b.connections_max, b.connections_per_address_max)).unwrap();
    assert_eq!(of(""), (4096, Some(512)));
    assert_eq!(of("--connections-max 99 --connections-per-address-max 9"), (99, Some(9)));
    assert_eq!(of("--behind-https-proxy"), (4096, None));
    let both = bounds("--behind-https-proxy --connections-per-address-max 9").unwrap_err();
    assert!(both.contains("--connections-per-address-max") && both.contains("exclude each other"), "{both}");
    assert!(bounds("--connections-max 1").is_err());
}

#[test]
fn networks_are_opened_and_closed_to_turn_by_name() {
    let settings = serve("--data-dir d --turn-allow 10.1.0.0/16,fd00::/64 --turn-deny 10.1.7.0/24").unwrap();
    let shown = crate::settings::toml_text(&settings.sections());
    let Turn::Embedded { allow_peers, deny_peers, .. } = settings.turn else { panic!("{:?}", settings.turn) };
    assert_eq!(allow_peers, ["10.1.0.0/16".parse().unwrap(), "fd00::/64".parse().unwrap()]);
    assert_eq!(deny_peers, ["10.1.7.0/24".parse().unwrap()]);
    assert!(shown.contains(r#"deny_peers = ["10.1.7.0/24"]"#), "{shown}");
}

#[test]
fn unusable_combinations_name_the_flag() {
    let tls = "--data-dir d --listen 0.0.0.0:443 --tls-cert c --tls-key k";
    for (flags, words) in [
        ("--data-dir d --tls-cert c", "--tls-cert needs --tls-key"),
        ("--data-dir d --tls-key c", "--tls-key needs --tls-cert"),
        ("--data-dir d --listen 0.0.0.0:80", "over plain HTTP"),
        ("--data-dir d --tls-cert c --tls-key k --behind-https-proxy", "exclude each other"),
        (tls, "--turn-public-ip"),
        (&format!("{tls} --turn-public-ip 0.0.0.0"), "not an address"),
        (&format!("{tls} --turn-public-ip 203.0.114.1 --turn-ports 5-9"), "--turn-ports"),
        (&format!("{tls} --turn-public-ip 203.0.114.1,203.0.114.2"), "one address of each family"),
        ("--data-dir d --turn-tls-listen 127.0.0.1:443", "--turn-tls-listen needs --tls-cert"),
        ("--data-dir d --turn-tls-cert c", "--turn-tls-cert needs --turn-tls-key"),
        ("--data-dir d --turn-tls-key c", "--turn-tls-key needs --turn-tls-cert"),
        ("--data-dir d --log inof", "inof"),
        ("--data-dir d --metrics-token @/nowhere/token", "/nowhere/token"),
        (&format!("{tls} --turn-public-ip 203.0.114.1 --turn-tls-listen [::]:443"), "--listen"),
        (&format!("{tls} --turn-public-ip 203.0.114.1 --turn-tls-listen 203.0.114.1:3478"), "--turn-listen"),
        (&format!("{tls} --turn-urls turn:t:3478"), "--turn-secret"),
        (&format!("{tls} --turn-secret s"), "--turn-urls"),
        (&format!("{tls} --turn-secret s --turn-urls turn:t:3478 --turn-listen 0.0.0.0:3478"), "exclude"),
        (&format!("{tls} --no-turn --turn-urls turn:t:3478"), "exclude"),
        ("--database-url postgres://u:p@db/s", "--secret-file"),
        ("--database-url mysql://u:hidden@db/s", "only postgres://"),
        ("--data-dir d --public-url ftp://x", "--public-url"),
        ("--data-dir d --public-url https://x/path", "--public-url"),
        ("--data-dir d --listen nowhere", "--listen"),
        ("booking --data-dir d --nats nats://n", "give --database-url"),
        ("signalling --database-url postgres://u:hidden@db/s --secret-file k", "give --nats"),
        ("dispatch --data-dir d", "needs-analysis"),
        ("--data-dir d --nats-ca ca.pem", "--nats-ca needs --nats"),
        ("--data-dir d --nats-replicas 6", "1..=5"),
        ("--data-dir d --nats-replicas 0", "1..=5"),
        ("--data-dir d --nats-prefix a.b", "--nats-prefix"),
        ("--data-dir d --nats nats://n --keep-event-days 29", "--keep-event-days 29"),
        ("--data-dir d --keep-answer-days 0", "--keep-answer-days"),
        ("--data-dir d --keep-audit-days 183", "184..=36500"),
        ("--data-dir d --keep-clinical-years 14", "15..=100"),
        ("--data-dir d --keep-consult-media-years 2", "3..=100"),
        ("--data-dir d --keep-work-order-years 101", "3..=100"),
        ("--data-dir d --otlp-ca c", "--otlp-ca needs --otlp"),
        ("--data-dir d --otlp-headers x=hidden", "--otlp-headers needs --otlp"),
        ("--data-dir d --otlp http://u:hidden@c:4318", "--otlp"),
        ("--data-dir d --otlp http://c:4318 --otlp-headers hidden", "--otlp-headers"),
        ("--data-dir d --keep-answer-days 200 --keep-audit-days 199", "--keep-audit-days 199"),
    ] {
        let error = serve(flags).unwrap_err();
        assert!(error.contains(words), "{flags}: {error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}

#[test]
fn a_service_alone_takes_of_a_shared_environment_what_it_has_a_use_for() {
    let flags = "--database-url postgres://db/s --secret-file k --nats nats://a,tls://b --nats-replicas 3 --turn-listen 127.0.0.1:9";
    let booking = serve(&format!("booking {flags}")).unwrap();
    assert_eq!((booking.roles(), &booking.turn), (&[Role::Booking][..], &Turn::Off));
    let nats = booking.nats.unwrap();
    assert_eq!((nats.urls.len(), nats.replicas, nats.prefix.as_str()), (2, 3, "sanbao"));
    let relay = serve(&format!("signalling {flags}")).unwrap();
    assert!(matches!(relay.turn, Turn::Embedded { listen, .. } if listen.port() == 9));
    let all = serve(&format!("{flags} --nats-stream-days-max 2 --keep-event-days 2 --nats-stream-mib-max 5")).unwrap();
    assert_eq!(all.roles(), Role::ALL);
    assert_eq!((all.stream_limits.age_days_max, all.stream_limits.bytes_max), (2, 5 * 1024 * 1024));
    assert_eq!((all.retention.event_days_min, all.retention.answer_days_min), (2, 7));
}

#[test]
fn the_printed_configuration_shows_no_secret() {
    let flags = "--database-url postgres://u:northwind@db/s --secret-file /k --metrics-token northwind \
                 --turn-urls turn:t:3478 --turn-secret northwind --nats nats://u:northwind@n:4222 \
                 --otlp http://c:4318 --otlp-headers authorization=northwind";
    let text = crate::settings::toml_text(&serve(flags).unwrap().sections());
    assert!(text.contains("database_url = \"postgres://***@db/s\""), "{text}");
    assert!(text.contains("[turn]\nmode = \"external\""), "{text}");
    assert!(text.contains("urls = [\"nats://***@n:4222\"]"), "{text}");
    assert!(text.contains("services = [\"booking\",\"signalling\",\"needs-analysis\"]"), "{text}");
    assert!(!text.contains("northwind"), "{text}");
    let parsed = serve(flags).unwrap();
    assert!(!format!("{parsed:?}").contains("northwind"));
}

#[test]
fn the_default_folder_is_the_users() {
    let home = || Some(PathBuf::from("/home/ann"));
    assert_eq!(user_data("demo", None, home()).unwrap(), Path::new("/home/ann/.local/share/sanbao/demo"));
    assert_eq!(user_data("demo", Some("/x".into()), home()).unwrap(), Path::new("/x/sanbao/demo"));
    assert!(user_data("demo", None, None).unwrap_err().to_string().contains("--data-dir"));
}
