-- The time of a consult that was given on purpose beside another one of its doctor, or beyond the doctor's rules (加号); no other time of
-- the consult is.
alter table consult add column overbooked_starts_at timestamptz;
