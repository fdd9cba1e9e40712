//! All that this service keeps of a person, as a file and as a part of another service's page: their requests, what was done
//! with them, and who has read them. Each request is told to whom may see its elder unmasked.

pub(super) mod api;
mod page;
mod sections;
mod store;
mod view;

#[cfg(test)]
mod complete;

pub(super) use page::part;
