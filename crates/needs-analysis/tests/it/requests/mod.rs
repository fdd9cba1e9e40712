//! Areas, intake, work orders and imports through the real router, on both engines.
mod area;
mod area_import;
mod demo;
mod departed;
mod erased;
mod exported;
mod house;
mod import;
mod import_bounds;
mod import_doubts;
mod intake;
mod joined;
mod listen;
mod migrate;
mod page;
mod steps;
mod work_order;
