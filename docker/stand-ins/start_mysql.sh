#!/usr/bin/env bash
# MySQL as the official image starts it: root's password, from any host, is in the file MYSQL_ROOT_PASSWORD_FILE; arguments
# go to mysqld. There is no initdb.d, since compose.yaml doesn't use it.
set -euo pipefail
password=$(< "${MYSQL_ROOT_PASSWORD_FILE:?is required}")
: "${password:?is required, as in the official image}"
data=/var/lib/mysql
if [ ! -f "$data/initialized" ]; then
  rm -rf "${data:?}"/*  # of a first start that was killed
  mysqld --initialize-insecure --datadir="$data"
  touch "$data/initialized"
fi
quoted=${password//\\/\\\\}
quoted=${quoted//\'/\\\'}
umask 077
cat > /tmp/init.sql <<SQL
CREATE USER IF NOT EXISTS root@'%' IDENTIFIED BY '$quoted';
GRANT ALL PRIVILEGES ON *.* TO root@'%' WITH GRANT OPTION;
ALTER USER root@localhost IDENTIFIED BY '$quoted';
SQL
exec mysqld --datadir="$data" --bind-address=0.0.0.0 --init-file=/tmp/init.sql "$@"
