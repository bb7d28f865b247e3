#!/bin/bash
# The address of the primary is elsewhere: this node follows it, whatever it was before.
. {{ dir }}/database.sh
exclusively
holds_address && exit 0
rm -f {{ dir }}/primary {{ dir }}/given
connect
# A database that is not there is told when it is back.
found=$(here "$state") && [ -n "$found" ] || exit 0

if [ "$(field read_only "$found")" = 0 ]; then
    say "no longer the primary"
    here "$no_writes $alone"
    # Two may have been the primary while they did not hear each other. What is acknowledged has been received by a third;
    # where the other one lacks that, it must not stay.
    other= received=
    for peer in $peers; do
        answer=$(at "$peer" "$state") || continue
        if [ "$(field read_only "$answer")" = 0 ]; then
            other=$peer
        else
            received="$received $(field place "$answer") $(field Gtid_IO_Pos "$answer")"
        fi
    done
    # Asked last: whatever it writes is in its log before any other has it.
    [ -z "$other" ] || others=$(at "$other" "$state") || other=
    for place in ${other:+$received}; do
        has "$place" "$others" && continue
        say "fencing $other: it lacks $place"
        at "$other" "$fence" || at "$other" "$fence"
        break
    done > /dev/null
fi

receives=$(field Slave_IO_Running "$found")
if [ "$receives" ] && [ "$receives" != No ] && [ "$(field Slave_SQL_Running "$found")" = Yes ]; then
    [ "$receives" != Yes ] || rm -f {{ dir }}/stopped
    exit 0
fi
# A connection to nobody takes seconds to give up, and a promotion would wait for it: somebody has to take writes there.
reach "$primary_address" || exit 0
[ "$(field read_only "$(at "$primary_address" 'SELECT @@read_only AS read_only\G')")" = 0 ] || exit 0

# A primary's own writes are in its log, and its place as a replica begins where they end.
own_place="SET GLOBAL gtid_slave_pos = @@gtid_current_pos;"
if [ -z "$receives" ]; then
    # A database that has never held anything has its first SQL before it.
    [ -n "$(field place "$found")" ] || exit 0
    say "following $primary_address from $(field place "$found")"
    here "$(following "$primary_address" "$own_place")"
elif [ "$(field Last_IO_Errno "$found")/$(field Last_SQL_Errno "$found")" = 0/0 ]; then
    here "$(following "$primary_address")"
else
    say "replication stopped: $(field Last_IO_Error "$found") $(field Last_SQL_Error "$found")"
    count=$(($(cat {{ dir }}/stopped 2> /dev/null || echo 0) + 1))
    # While this is there the node is not made the primary.
    echo "$count" > {{ dir }}/stopped
    if [ "$count" -lt 3 ]; then
        # The new primary may still be catching up with what this node has.
        here "$(following "$primary_address")"
    else
        # It holds what nobody acknowledged. Its accounts go first, so that nobody reads from it meanwhile; then all that it
        # has is fetched anew from the primary's log, which goes back to the beginning.
        say "rebuilding from the primary"
        here "STOP SLAVE; SET sql_log_bin = 0; DROP USER IF EXISTS orders, replication, failover;
            DROP DATABASE IF EXISTS shop; RESET MASTER;
            $(following "$primary_address" "SET GLOBAL gtid_slave_pos = '';")"
    fi
fi
