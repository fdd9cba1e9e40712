-- The hand-over of a shift: written and signed by the one who goes, read and signed by another. Nothing of it is changed after that.
create table shift_handover (
    id               blob not null primary key,
    organisation_id  blob not null references organisation (id),
    -- Whose list of consults it is: the side that invites, or a hospital's desk.
    side             text not null check (side in ('inviting', 'hospital')),
    written_by       blob not null references account (id),
    signed_at        text not null,
    words            text not null,
    -- The consults on it, those among them that were erased since; consults of later days; whether more were open than it has.
    item_count       integer not null,
    later_count      integer not null,
    is_cut           integer not null check (is_cut in (0, 1)),
    -- SHA-256 of all that was signed, as lower-case hex.
    content_hash     text not null,
    taken_by         blob references account (id),
    taken_at         text,
    check ((taken_at is null) = (taken_by is null)),
    check (taken_by is null or taken_by <> written_by)
) strict;
create index shift_handover_by_organisation on shift_handover (organisation_id, side, signed_at, id);

-- A consult on it, as it stood when it was signed.
create table shift_handover_item (
    handover_id  blob not null references shift_handover (id),
    place        integer not null,
    consult_id   blob not null references consult (id),
    facts        text not null,
    primary key (handover_id, place)
) strict;
create index shift_handover_item_by_consult on shift_handover_item (consult_id);
