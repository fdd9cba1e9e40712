-- On SQLite there is one writer: nobody else takes anything meanwhile.
select 1;
