-- Every telephone by which a person is reached, with whose it is; the first is that of the column phone. None where no more
-- than that is known.
alter table person add column phones jsonb;
