#!/bin/bash
# The address of the primary is elsewhere: this node follows it, whatever it was before.
. {{ dir }}/database.sh
exclusively
holds_address && exit 0
rm -f {{ dir }}/primary
# A database that is not there is told when it is back.
state=$(state) && [ -n "$state" ] || exit 0

if [ "$(field read_only "$state")" = 0 ]; then
    say "no longer the primary"
    # Commits that wait for a replica would hold the change up for as long as they wait: their clients are sent away.
    here 'SET GLOBAL rpl_semi_sync_master_enabled = OFF; KILL USER orders'
    here 'SET GLOBAL read_only = ON; SET GLOBAL rpl_semi_sync_slave_enabled = ON'
fi

follow() {
    # Nobody there takes writes yet: a connection to nobody takes seconds to give up, and a promotion would wait for it.
    [ "$(at "$primary_address" 'SELECT @@read_only')" = 0 ] || return 0
    here "STOP SLAVE; $1 CHANGE MASTER TO MASTER_HOST = '$primary_address', MASTER_PORT = {{ settings.replication_port }},
        MASTER_USER = 'replication', MASTER_PASSWORD = '{{ settings.password }}', MASTER_CONNECT_RETRY = 1,
{%- if certificate %}
        MASTER_SSL = 1, MASTER_SSL_CA = '{{ certificate.authority }}', MASTER_SSL_VERIFY_SERVER_CERT = 1,
{%- endif %}
        MASTER_USE_GTID = slave_pos; START SLAVE"
}

# What a primary has written itself is in its log, and its place as a replica begins there.
own_place="SET GLOBAL gtid_slave_pos = @@gtid_current_pos;"

if [ -z "$(field Slave_IO_Running "$state")" ]; then
    # A database that has never held anything has its first SQL before it.
    [ -n "$(field place "$state")" ] || exit 0
    say "following $primary_address from $(field place "$state")"
    follow "$own_place"
elif [ "$(field Slave_IO_Running "$state")" = No ] || [ "$(field Slave_SQL_Running "$state")" = No ]; then
    case "$(field Last_IO_Errno "$state")/$(field Last_SQL_Errno "$state")" in
    0/0)
        follow ""
        ;;
    *)
        say "replication stopped: $(field Last_IO_Error "$state") $(field Last_SQL_Error "$state")"
        count=$(($(cat {{ dir }}/stopped 2> /dev/null || echo 0) + 1))
        if [ "$count" -lt 3 ]; then
            # The new primary may still be catching up with what this node has.
            echo "$count" > {{ dir }}/stopped
            follow ""
            exit 0
        fi
        # It holds what nobody acknowledged. Its accounts go first, so that nobody reads from it meanwhile; then all that
        # it has is fetched anew from the primary's log, which goes back to the beginning.
        say "rebuilding from the primary"
        rm -f {{ dir }}/stopped
        here 'STOP SLAVE; SET sql_log_bin = 0; DROP USER IF EXISTS orders, replication, failover;
            DROP DATABASE IF EXISTS shop; RESET MASTER'
        follow "SET GLOBAL gtid_slave_pos = '';"
        ;;
    esac
else
    rm -f {{ dir }}/stopped
fi
