//! A network in which something of every kind is there to be asked for, and strangers and former people who must not
//! get it.

use sanbao_platform::testing::until;
use serde_json::{Value, json};

use super::{Client, Served, flow, sample};

/// The accounts that stand outside: people of a second care home, hospital, agency and street office, with all the
/// roles that such an organisation gives.
pub const STRANGERS: &[(&str, &str, &[&str])] = &[
    ("home", "care_home", &["care_staff", "doctor", "administrator"]),
    ("hosp", "hospital", &["doctor", "care_staff", "administrator"]),
    ("agency", "home_care_agency", &["dispatcher", "caregiver", "administrator"]),
    ("street", "street_office", &["analyst", "dispatcher", "administrator"]),
];
/// The people who had a right to all that a nurse may do, hold her token still, and have lost it since: logged out, disabled,
/// without the role, of an organisation that was closed.
pub const FORMER: &[&str] = &["left", "disabled", "unroled", "closed"];
/// A street that the demo's organisations have nothing to do with.
const OTHER_STREET: &str = "330211002";
const PASSWORD: &str = "a stranger's password";

/// One of each, and the strangers.
pub struct World {
    pub nobody: Client,
    pub strangers: Vec<Client>,
    /// Those of [`FORMER`], each with the token of before.
    pub former: Vec<Client>,
    /// An id for each kind of path.
    things: Vec<(&'static str, &'static str, String)>,
}

impl World {
    /// Makes it by the API.
    pub async fn of(served: &Served) -> Self {
        let nobody = served.nobody();
        let nurse = nobody.demo("nurse").await;
        let resident = flow::residents(&nurse).await.remove(0);
        let rooms = flow::rooms(&nobody, &nurse).await;
        let consult = flow::accepted_consult(served, &resident).await;
        let hold = booked_and_held(served, &nurse, (&consult, &rooms[0]), &resident).await;
        let consent = json!({ "given_by": "resident", "name": "陈桂香", "method": "written" });
        nurse.post(&format!("/v1/consults/{consult}/consents"), &consent).await.expect(201);
        let guest = json!({ "name": "陈立新", "relation": "儿子" });
        let link = nurse.post(&format!("/v1/consults/{consult}/guest-links"), &guest).await.expect(201);
        let consents = nurse.get(&format!("/v1/consults/{consult}/consents")).await.expect(200);
        let handover = flow::text(&nurse.post("/v1/shift-handovers", &json!({})).await.expect(201), "/id");
        let request = flow::accepted_request(&nobody, "换药").await;
        let dispatcher = nobody.demo("dispatcher").await;
        let visit = flow::text(&flow::visit_of(&dispatcher, &request).await, "/id");
        let home = flow::organisation(&nobody, "care_home").await;
        let hospital = flow::organisation(&nobody, "hospital").await;
        let doctor = flow::account(&nobody, &hospital, "doctor").await;
        let agency = flow::organisation(&nobody, "home_care_agency").await;
        let caregiver = flow::account(&nobody, &agency, "caregiver").await;
        let victim = add_account(&nobody.demo("admin").await, &home, "victim", &["care_staff"], &[]).await;
        // Ones that may be closed and reopened: nothing of them is needed.
        let spare = add_home(&nobody.demo("admin").await, "将停院").await;
        let (room, device) = closable(&nobody.demo("admin").await, &home).await;
        let access = emergency_access(&nobody.demo("doctor").await).await;
        let session = flow::text(&nurse.get("/v1/me/sessions").await.expect(200), "/0/id");
        let offer = offer_of(&nobody.demo("admin").await, &home).await;
        let (controlled, order) = controlled_home(&nobody.demo("admin").await).await;
        let strangers = strangers(served).await;
        let former = former(&nobody, &home).await;
        let moving = Moving::of(&nurse, &resident).await;
        let affiliation = affiliation_of(&nobody, &home, &hospital).await;
        let things = vec![
            ("/v1/consult-drafts/{id}", "id", draft_about(&nurse, &resident).await),
            ("/v1/consult-holds/{id}", "id", hold),
            ("/v1/shift-handovers/{id}", "id", handover.clone()),
            ("/v1/consults/handover/{id}", "id", handover),
            ("/v1/consults/{id}", "id", consult),
            ("/v1/consults/{id}", "link", flow::text(&link, "/id")),
            ("/v1/consults/{id}", "consent", flow::text(&consents, "/0/id")),
            ("/v1/requests/{id}", "id", request),
            ("/v1/visits/{id}", "id", visit),
            ("/v1/caregivers/{id}", "id", caregiver),
            ("/v1/persons/{id}/discharge", "id", moving.goes_home),
            ("/v1/persons/{id}", "id", resident),
            ("/v1/transfers/{id}", "id", moving.transfer),
            ("/v1/sharing-consents/{id}", "id", moving.consent),
            ("/v1/affiliations/{id}", "id", affiliation),
            ("/v1/organisations/{id}/close", "id", spare.clone()),
            ("/v1/organisations/{id}/reopen", "id", spare),
            ("/v1/admin/organisations/{id}", "id", home.clone()),
            ("/v1/organisations/{id}/dual-control", "id", controlled),
            ("/v1/organisations/{id}/dual-control", "order", order),
            ("/v1/organisations/{id}", "account", victim.clone()),
            ("/v1/organisations/{id}", "offer", offer),
            ("/v1/organisations/{id}", "id", home.clone()),
            ("/v1/me/organisations/{id}", "id", home),
            ("/v1/locations/{id}", "id", room),
            ("/v1/devices/{id}", "id", device),
            ("/v1/admin/accounts/{id}", "id", victim.clone()),
            ("/v1/accounts/{id}", "id", victim),
            ("/v1/me/sessions/{id}", "id", session),
            ("/v1/practitioners/{id}", "id", doctor),
            ("/v1/emergency-accesses/{id}", "id", access),
            ("/v1/areas/{code}", "code", "330211001001".to_owned()),
            ("/v1/consults/{id}/papers", "kind", "request".to_owned()),
        ];
        Self { things: [things, knocked_on(served).await, raised(served).await].concat(), nobody, strangers, former }
    }

    /// The id of the world that a path asks for by a name.
    pub fn thing(&self, path: &str, name: &str) -> Option<String> {
        // Pages have the paths of the API without its version.
        let path = if path.starts_with("/v1/") { path.to_owned() } else { format!("/v1{path}") };
        let found = self.things.iter().find(|(prefix, n, _)| path.starts_with(prefix) && *n == name);
        found.map(|(.., id)| id.clone())
    }

    /// The id of the world's thing under a path of the API.
    pub fn own_id(&self, path: &str) -> String {
        self.thing(path, "id").unwrap_or_else(|| panic!("nothing under {path}"))
    }

    /// Whether a path names one thing of the world that is not known to all.
    pub fn names_something(path: &str) -> bool {
        path.contains("{id}") || (path.contains("{code}") && !path.ends_with("{code}"))
    }

    /// The ids that no stranger may be shown. A doctor may be invited by any care home; an area, which kinds of
    /// documents there are, and how parts are numbered, is known to all.
    pub fn own_ids(&self) -> impl Iterator<Item = &String> {
        let open = [
            "/v1/practitioners/{id}",
            "/v1/areas/{code}",
            "/v1/consults/{id}/papers",
            "/v1/imports/uploads/{id}/parts",
        ];
        self.things.iter().filter(move |(path, ..)| !open.contains(path)).map(|(.., id)| id)
    }

    /// A sample of an operation's body, with what a schema cannot say: an end after its start, a code that is one.
    pub fn body(document: &Value, operation: &Value) -> Option<Value> {
        let mut body = sample::body(document, operation)?;
        let known = [("wanted_until", json!("2026-11-25T02:00:00Z")), ("specialty", json!("geriatrics"))];
        // Organisations of the sample's name are made again and again.
        for (field, value) in known.into_iter().chain([("same_name", json!(true))]) {
            if body.get(field).is_some() {
                body[field] = value;
            }
        }
        Some(body)
    }

    /// A page's path with the world's ids in it.
    pub fn page(&self, path: &str) -> String {
        let of_person = |path: String| match self.thing("/persons/{id}", "id") {
            Some(person) if ["/requests/part", "/requests/export/part"].contains(&path.as_str()) => {
                format!("{path}?person={person}")
            }
            _ => path,
        };
        of_person(sample::path(path, |name| self.thing(path, name)))
    }

    /// A path of the document with the world's ids in it, and the query that it asks for.
    pub fn url(&self, document: &Value, path: &str, operation: &Value) -> String {
        let path = sample::path(path, |name| self.thing(path, name));
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let asked = parameters.iter().filter(|p| p["in"] == "query" && p["required"] == true);
        let query: Vec<String> = asked
            .map(|p| {
                let name = p["name"].as_str().unwrap();
                let value = match name {
                    "to" | "until" => "2026-11-25T02:00:00Z".to_owned(),
                    "round" => self.own_id("/v1/door-rounds/{id}"),
                    _ => {
                        let value = p.get("example").cloned().unwrap_or_else(|| sample::of(document, &p["schema"]));
                        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                    }
                };
                format!("{name}={value}")
            })
            .collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }
}

/// Things that belong to moves, and consents to them.
struct Moving {
    /// A resident who may go home: nobody of the others is needed for it.
    goes_home: String,
    /// A person who is asked for, and whom nobody else has.
    transfer: String,
    /// A consent of the resident.
    consent: String,
}

impl Moving {
    async fn of(nurse: &Client, resident: &str) -> Self {
        let goes_home = nurse.post("/v1/persons", &json!({ "name": "沈回家" })).await.expect(201);
        let asked_for = json!({ "name": "顾转院", "national_id": "110101194901010026" });
        let asked_for = nurse.post("/v1/persons", &asked_for).await.expect(201);
        let wish = json!({ "person_id": asked_for["id"], "agreed_by": "person", "agreed_name": "顾转院",
            "agreed_how": "in_person", "agreed_on": "2026-11-20" });
        let transfer = nurse.post("/v1/transfers", &wish).await.expect(201);
        let consent = json!({ "scope": "hand_over", "given_by": "person", "given_name": "陈桂香", "told": "in_person",
            "given_on": "2026-11-20" });
        let consent = nurse.post(&format!("/v1/persons/{resident}/sharing-consents"), &consent).await.expect(201);
        let [goes_home, transfer, consent] = [&goes_home, &transfer, &consent].map(|made| flow::text(made, "/id"));
        Self { goes_home, transfer, consent }
    }
}

/// A round of door knocks of the community, and a door of it.
async fn knocked_on(served: &Served) -> Vec<(&'static str, &'static str, String)> {
    let desk = served.nobody().demo("desk").await;
    let today = (served.clock.now() + chrono::Duration::hours(8)).date_naive().to_string();
    let new = json!({ "title": "走访", "area_code": "330211001001", "starts_on": today, "ends_on": today });
    let round = flow::text(&desk.post("/v1/door-rounds", &new).await.expect(201), "/id");
    let door = json!({ "area_code": "330211001001-C1-G1", "elder_name": "林某兰", "address": "东苑 2 幢" });
    let door = desk.post(&format!("/v1/door-rounds/{round}/doors"), &door).await.expect(201);
    vec![
        ("/v1/imports/uploads/{id}/parts", "part", "1".to_owned()),
        ("/v1/doors/rounds/{id}", "id", round.clone()),
        ("/v1/door-rounds/{id}", "id", round),
        ("/v1/doors/{id}", "id", flow::text(&door, "/id")),
    ]
}

/// A matter of a grid, as its leader raised it.
async fn raised(served: &Served) -> Vec<(&'static str, &'static str, String)> {
    let new = json!({ "title": "楼道灯坏了", "kind": "facility", "area_code": "330211001001-C1-G1" });
    let made = served.nobody().demo("grid").await.post("/v1/matters", &new).await.expect(201);
    vec![("/v1/matters/{id}", "id", flow::text(&made, "/id"))]
}

/// A care home more, in the street; its id.
async fn add_home(admin: &Client, name: &str) -> String {
    let new = json!({ "kind": "care_home", "name_zh": name, "name_en": "A home", "area_code": "330211001001" });
    flow::text(&admin.post("/v1/organisations", &new).await.expect(201), "/id")
}

/// A room and a shared device of an organisation, which no consult needs; their ids.
async fn closable(admin: &Client, organisation: &str) -> (String, String) {
    (add_room(admin, organisation).await, add_device(admin, organisation).await)
}

/// A room of an organisation, in which nothing is booked; its id.
async fn add_room(admin: &Client, organisation: &str) -> String {
    let room = admin.post(&format!("/v1/organisations/{organisation}/locations"), &json!({ "name": "备用室" })).await;
    flow::text(&room.expect(201), "/id")
}

/// An agreement that the home's administrator proposes to the hospital; its id.
async fn affiliation_of(nobody: &Client, home: &str, hospital: &str) -> String {
    add_account(&nobody.demo("admin").await, home, "director", &["administrator"], &[]).await;
    let director = nobody.log_in("director", PASSWORD).await;
    let new = json!({ "with": hospital, "number": "镇医合 2026-017", "valid_from": "2031-01-01", "valid_until": "2032-12-31" });
    flow::text(&director.post("/v1/affiliations", &new).await.expect(201), "/id")
}

/// A shared device of an organisation, which no consult needs; its id.
async fn add_device(admin: &Client, organisation: &str) -> String {
    let device = admin.post(&format!("/v1/organisations/{organisation}/devices"), &json!({ "name": "心电图机" })).await;
    flow::text(&device.expect(201), "/id")
}

/// An offer of an organisation's that waits for an answer.
async fn offer_of(admin: &Client, organisation: &str) -> String {
    let path = format!("/v1/organisations/{organisation}/offers");
    flow::text(&admin.post(&path, &json!({ "roles": ["doctor"] })).await.expect(201), "/id")
}

/// A care home under dual control, and the order for a third administrator that waits there.
async fn controlled_home(admin: &Client) -> (String, String) {
    let home = add_home(admin, "双管院").await;
    for login in ["dual.one", "dual.two"] {
        add_account(admin, &home, login, &["administrator"], &[]).await;
        admin.log_in(login, PASSWORD).await;
    }
    admin.send(admin.request("put", &format!("/v1/organisations/{home}/dual-control"))).await.expect(204);
    let third = json!({ "login": "dual.three", "display_name": "三", "roles": ["administrator"] });
    let order = admin.post(&format!("/v1/organisations/{home}/accounts"), &third).await.expect(202);
    (home, flow::text(&order, "/id"))
}

/// Somebody whom an administrator adds, with the password that the one-time link let this person choose; the id.
async fn add_account(admin: &Client, organisation: &str, login: &str, roles: &[&str], areas: &[&str]) -> String {
    let body = json!({ "login": login, "display_name": login, "roles": roles, "areas": areas });
    let made = admin.post(&format!("/v1/organisations/{organisation}/accounts"), &body).await.expect(201);
    choose(admin, &made).await;
    flow::text(&made, "/id")
}

/// The owner of the link in an answer chooses a password.
async fn choose(anybody: &Client, made: &Value) {
    let path = flow::text(made, "/link/path");
    let token = path.split_once('#').unwrap().1;
    let body = json!({ "token": token, "password": PASSWORD });
    anybody.post("/setup/account", &body).await.expect(204);
}

/// An invitation that is being written; its id.
async fn draft_about(nurse: &Client, resident: &str) -> String {
    const DRAFT: &str = "01900000-0000-7000-8000-00000000d4af";
    let parts = json!({ "resident_id": resident, "reason": "气促" });
    nurse.send(nurse.request("put", &format!("/v1/consult-drafts/{DRAFT}")).json(&parts)).await.expect(200);
    DRAFT.to_owned()
}

/// Gives the consult its time, and holds another one for the resident; the hold's id.
async fn booked_and_held(served: &Served, nurse: &Client, (consult, room): (&str, &str), resident: &str) -> String {
    let mut slots = flow::slots(served, nurse, consult, room).await;
    let (slot, other) = (slots.pop().unwrap(), slots.pop().unwrap());
    let wanted = json!({ "room_id": room, "starts_at": slot["starts_at"] });
    nurse.post(&format!("/v1/consults/{consult}/schedule"), &wanted).await.expect(200);
    let hold = json!({ "resident_id": resident, "hospital_id": other["hospital_id"], "doctor_id": other["doctor_id"],
        "starts_at": other["starts_at"] });
    flow::text(&nurse.post("/v1/consult-holds", &hold).await.expect(201), "/id")
}

/// The administrator of another organisation of this kind. A second street is set up on the machine, as every street
/// whose area no office has; the others are made by the first street's office and run themselves.
async fn founder(served: &Served, name: &str, kind: &str) -> (Client, String) {
    let (nobody, login) = (served.nobody(), format!("founder.{name}"));
    let (name_zh, name_en) = (format!("另一家{name}"), format!("Another {name}"));
    if kind == "street_office" {
        let token = served.setup_link().await;
        let body = json!({ "token": token, "name_zh": name_zh, "name_en": name_en, "area_code": OTHER_STREET,
            "login": login, "display_name": login, "password": PASSWORD });
        nobody.post("/setup", &body).await.expect(204);
        let founder = nobody.log_in(&login, PASSWORD).await;
        let list = founder.get("/v1/organisations").await.expect(200);
        // Organisations in its area are listed as well.
        let own = list["items"].as_array().unwrap().iter().find(|o| o["kind"] == kind).unwrap();
        return (founder, flow::text(own, "/id"));
    }
    let body = json!({ "kind": kind, "name_zh": name_zh, "name_en": name_en, "area_code": OTHER_STREET,
        "administrator": { "login": login, "display_name": login } });
    let made = nobody.demo("admin").await.post("/v1/organisations", &body).await.expect(201);
    choose(&nobody, &made).await;
    (nobody.log_in(&login, PASSWORD).await, flow::text(&made, "/id"))
}

async fn strangers(served: &Served) -> Vec<Client> {
    let nobody = served.nobody();
    let mut clients = Vec::new();
    for (name, kind, roles) in STRANGERS {
        let (founder, organisation) = founder(served, name, kind).await;
        let login = format!("stranger.{name}");
        add_account(&founder, &organisation, &login, roles, &[OTHER_STREET]).await;
        clients.push(nobody.log_in(&login, PASSWORD).await);
    }
    clients
}

/// Nurses of `home` who log in; then one logs out, one is disabled, and one is a nurse no more.
async fn former(nobody: &Client, home: &str) -> Vec<Client> {
    let admin = nobody.demo("admin").await;
    let mut clients = Vec::new();
    for name in FORMER {
        let login = format!("former.{name}");
        let of_closed = if *name == "closed" { Some(add_home(&admin, "已停院").await) } else { None };
        let home = of_closed.as_deref().unwrap_or(home);
        let id = add_account(&admin, home, &login, &["care_staff"], &[]).await;
        let client = nobody.log_in(&login, PASSWORD).await;
        client.get("/v1/consults").await.expect(200);
        let account = format!("/v1/accounts/{id}");
        match *name {
            "left" => client.send(client.request("delete", "/v1/tokens")).await.expect(204),
            "disabled" => admin.post(&format!("{account}/disable"), &json!({})).await.expect(200),
            "closed" => {
                let why = json!({ "reason": "合作到期" });
                admin.post(&format!("/v1/organisations/{home}/close"), &why).await.expect(200)
            }
            _ => {
                let roles = json!({ "roles": ["administrator"] });
                admin.send(admin.request("patch", &account).json(&roles)).await.expect(200)
            }
        };
        until("the token is refused", async || client.get("/v1/consults").await.status == 401).await;
        clients.push(client);
    }
    clients
}

/// The access of a doctor to a demo's resident, found by the telephone number, after whom that doctor does not look.
async fn emergency_access(doctor: &Client) -> String {
    let emergency = json!({ "number": "13800000011", "reason": "急诊：昏迷送来" });
    flow::text(&doctor.post("/v1/emergency-accesses", &emergency).await.expect(201), "/accesses/0")
}
