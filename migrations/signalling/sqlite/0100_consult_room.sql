-- What the relay keeps of a consult's room beyond the process: that it began, and that it is over.
create table consult_room (
    consult          blob primary key not null,
    started_at       text,
    finished_at      text,
    together_seconds integer
) strict;
