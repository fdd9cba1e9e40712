#!/bin/sh
# Run once by the image of PostgreSQL on an empty volume, beside accounts.sql: the accounts get their passwords.
set -eu
for service in BOOKING SIGNALLING NEEDS_ANALYSIS; do
  eval "password=\$${service}_PASSWORD"
  role=sanbao_$(echo "$service" | tr '[:upper:]' '[:lower:]')
  psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set role="$role" --set password="$password" <<'SQL'
alter role :"role" password :'password';
SQL
done
