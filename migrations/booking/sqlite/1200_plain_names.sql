-- Names are kept in one form since: without the spaces that only lay a Han name out, and with one middle dot. Those from before
-- are brought to it, so that they are found by every spelling. A name with Latin letters has spaces of its own.
update person set name =
    replace(replace(replace(replace(replace(replace(name, ' ', ''), '　', ''), '•', '·'), '・', '·'), '．', '·'), '.', '·')
where name glob '*[一-龥]*' and name not glob '*[A-Za-z]*';
update person set guardian_name =
    replace(replace(replace(replace(replace(replace(guardian_name, ' ', ''), '　', ''), '•', '·'), '・', '·'), '．', '·'), '.', '·')
where guardian_name glob '*[一-龥]*' and guardian_name not glob '*[A-Za-z]*';
