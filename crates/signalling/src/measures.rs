//! The measures of the relay.

sanbao_platform::measures! {
    CONNECTIONS = Gauge "signalling_connections" "Sockets that are open at this relay.";
    ROOMS = Gauge "signalling_rooms" "Rooms that this relay holds in memory.";
    CLOSED = Counter "signalling_closed_total" "Connections that have ended, by the reason of their close.";
    FACTS_REFUSED = Counter "signalling_facts_refused_total" "Facts of visits that the database did not take.";
    LOG_BYTES = Gauge "signalling_log_bytes" "Bytes in the log of rooms.";
    LOG_BYTES_MAX = Gauge "signalling_log_bytes_max" "Bytes at which the log of rooms is full.";
}
