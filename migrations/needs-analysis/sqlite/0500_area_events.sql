-- When an area was told to the other services; null for those from before they were told.

alter table area add column announced_at text;
