-- Second factors: the secret that an authenticator shares, and codes for those who lost theirs.

create table second_factor (
    account_id     uuid not null primary key references account (id),
    secret_sealed  bytea not null,
    begun_at       timestamptz not null,
    confirmed_at   timestamptz,
    last_step      bigint
);

create table recovery_code (
    account_id  uuid not null references account (id),
    code_hash   text not null,
    made_at     timestamptz not null,
    used_at     timestamptz,
    primary key (account_id, code_hash)
);
