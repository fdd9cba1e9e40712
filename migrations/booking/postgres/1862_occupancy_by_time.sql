-- What a resource has within a range of time, in whatever lane: without this a search reads all that it ever had.
create index occupancy_by_time on occupancy (resource_id, starts_at);
