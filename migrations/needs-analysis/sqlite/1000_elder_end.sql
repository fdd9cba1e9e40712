-- An elder may die, or leave the network: requests for them are flagged.
alter table elder add column ended_as text;
alter table elder add column ended_on text;
