-- When the person of a log-in last proved who they are, where it is, and when somebody last pressed something there.

alter table login_session add column proved_at          text;
alter table login_session add column pressed_at         text;
alter table login_session add column seen_at            text;
alter table login_session add column seen_from          text;
alter table login_session add column agent              text;
alter table login_session add column device_id          blob references device (id);
alter table login_session add column wrong_proof_count  integer not null default 0;

-- A device on which several people log in is the house's; one person's phone is that person's own.
alter table device add column kind text not null default 'shared' check (kind in ('shared', 'own'));
