-- The records that lead on to one.
create index elder_by_survivor on elder (merged_into) where merged_into is not null;
