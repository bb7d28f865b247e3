#!/bin/bash
# The address of the primary has come to this node: it becomes the primary.
. {{ dir }}/database.sh
exclusively
# Two nodes may step in at once; the one that keeps the address goes on.
sleep 0.05
holds_address || { say "the address went on to another node"; exit 0; }
[ "$(here 'SELECT @@read_only')" = 0 ] && { touch {{ dir }}/primary; say "already the primary"; exit 0; }

# The fence: whoever still takes writes stops doing so. One that cannot be reached has lost its replicas to us, and
# without a replica it acknowledges nothing.
reached=
for peer in $peers; do
    read_only=$(at "$peer" 'SELECT @@read_only') && reached="$reached $peer"
    [ "$read_only" = 0 ] || continue
    say "fencing $peer"
    at "$peer" 'SET GLOBAL read_only = ON' || at "$peer" 'KILL USER orders; SET GLOBAL read_only = ON'
done

# What this node has received is applied before anything else.
here 'STOP SLAVE IO_THREAD'
own=$(received here)
# A peer may have received more: every acknowledged commit is on some replica, not on each.
for peer in $reached; do
    theirs=$(received at "$peer")
    if [ "${theirs:-0}" -gt "${own:-0}" ]; then
        say "catching up with $peer: it has $theirs, this node $own"
        here "STOP SLAVE; CHANGE MASTER TO MASTER_HOST = '$peer', MASTER_USE_GTID = slave_pos; START SLAVE"
        own=$theirs
    fi
done
for attempt in $(seq 50); do
    applied=$(here "SELECT SUBSTRING_INDEX(@@gtid_current_pos, '-', -1) + 0")
    [ "${applied:-0}" -ge "${own:-0}" ] && break
    sleep 0.1
done
say "applied $applied of ${own:-0}"
holds_address || { say "the address went on to another node"; exit 0; }
# A first start has never been a replica; then there is nothing to stop.
here 'STOP SLAVE; RESET SLAVE ALL'
here 'SET GLOBAL rpl_semi_sync_slave_enabled = OFF; SET GLOBAL rpl_semi_sync_master_enabled = ON; SET GLOBAL read_only = OFF'
touch {{ dir }}/primary
say "primary from GTID $(here 'SELECT @@gtid_current_pos') on"
