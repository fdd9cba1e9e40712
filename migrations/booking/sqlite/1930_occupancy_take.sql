-- Nothing: the embedded engine takes the time of several resources by one statement of the program.
select 1;
