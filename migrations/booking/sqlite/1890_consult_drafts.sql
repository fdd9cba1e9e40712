-- An invitation that somebody is writing: whatever is written so far, sealed as one, since it tells of health. It ends when the
-- invitation is made, or some days after the last letter.
create table consult_draft (
    id               blob not null primary key,
    organisation_id  blob not null references organisation (id),
    account_id       blob not null references account (id),
    resident_id      blob references person (id),
    sealed           blob not null,
    changed_at       text not null,
    version          integer not null
) strict;
create index consult_draft_by_account on consult_draft (account_id);
create index consult_draft_by_organisation on consult_draft (organisation_id);
create index consult_draft_by_resident on consult_draft (resident_id);
create index consult_draft_by_change on consult_draft (changed_at);
