-- Log-ins that have ended, for as long as anything that was given to them could still be good.
create table ended_session (
    session  uuid not null primary key,
    noted_at timestamptz not null
);
create index ended_session_by_time on ended_session (noted_at);

-- Accounts that lost a right: their tokens of an earlier version of the account count no more.
create table outdated_token (
    account  uuid not null primary key,
    version  bigint not null,
    noted_at timestamptz not null
);
create index outdated_token_by_time on outdated_token (noted_at);
