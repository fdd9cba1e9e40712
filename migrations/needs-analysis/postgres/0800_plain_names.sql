-- Names are kept in one form since: without the spaces that only lay a Han name out, and with one middle dot. Those from before
-- are brought to it, so that they are found by every spelling. A name with Latin letters has spaces of its own.
update request set elder_name =
    replace(replace(replace(replace(replace(replace(elder_name, ' ', ''), '　', ''), '•', '·'), '・', '·'), '．', '·'), '.', '·')
where elder_name ~ '[一-龥]' and elder_name !~ '[A-Za-z]';
