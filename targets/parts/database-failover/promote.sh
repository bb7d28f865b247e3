#!/bin/bash
# The address of the primary has come to this node: it becomes the primary. `promote.sh contested` when another node has the
# address too, which keepalived hears when two could not hear each other for a while.
. {{ dir }}/database.sh
[ "$1" != contested ] || BY_CHECK=1
exclusively
# Two nodes may step in at once; the one that keeps the address goes on.
sleep 0.05
holds_address || { say "the address went on to another node"; exit 0; }
# Empty until this process is the primary.
[ -e {{ dir }}/given ] || touch {{ dir }}/given
# All at the same time, since who keeps silent takes a second to be known as such.
declare -A reaching
for peer in $peers; do
    reach "$peer" &
    reaching[$peer]=$!
done
connect

# By its process, so that one that was started again is seen not to be the primary yet.
is_primary() {
    cat "$lock" > {{ dir }}/given
    cp {{ dir }}/given {{ dir }}/primary
    say "$1"
    exit 0
}
# Somebody else is to have the address.
unfit() {
    touch {{ dir }}/unfit
    say "not the primary: $1"
    exit 1
}
found=$(here "$state") && [ -n "$found" ] || { say "this database does not answer"; exit 1; }
if [ "$(field read_only "$found")" = 0 ]; then
    if [ "$1" = contested ]; then
        # The other one may have been made the primary, and may have acknowledged what this one has not.
        say "another node has the address too"
        rm -f {{ dir }}/primary
        here "$no_writes $alone"
    else
        seems_well && exit 0
        here 'SET GLOBAL rpl_semi_sync_master_enabled = ON;'
        is_primary "already the primary"
    fi
fi
# What it holds may be what nobody acknowledged (follow.sh).
[ ! -e {{ dir }}/stopped ] || unfit "it may have diverged"

# The fence. Who refuses a connection has no database running, or one that holds nothing. Who keeps silent, or takes a
# connection and does not answer, may be a primary that is cut off from here only or does not get on: the others are told to
# receive nothing more, for without a replica it acknowledges nothing. Who answers is told to take no writes.
silent= greet=
stop="STOP SLAVE IO_THREAD;"
for peer in $peers; do
    wait "${reaching[$peer]}"
    case $? in
    0) greet="$greet $peer" ;;
    1) ;;
    *) silent=$stop ;;
    esac
done
declare -A theirs told
for peer in $greet; do
    answer=$(at "$peer" "$silent $state")
    case $? in
    0) theirs[$peer]=$answer told[$peer]=$silent ;;
    2) ;;
    *) silent=$stop ;;
    esac
done
# Who is alone can acknowledge nothing, and what others have acknowledged may not be here.
[ "${!theirs[*]}" ] || unfit "no other database answers"
for peer in "${!theirs[@]}"; do
    if [ "$(field read_only "${theirs[$peer]}")" = 0 ]; then
        say "fencing $peer"
        at "$peer" "$fence" || at "$peer" "$fence"
        theirs[$peer]=$(at "$peer" "$state")
    elif [ "${told[$peer]}" != "$silent" ]; then
        theirs[$peer]=$(at "$peer" "$silent $state")
    fi > /dev/null
    # Without its answer it is not known what it has, and whether it takes writes.
    [ "$(field read_only "${theirs[$peer]}")" = 1 ] || unfit "$peer does not say that it takes no writes"
done

# What this node has received is applied before anything else.
found=$(here "STOP SLAVE IO_THREAD; $state") && own=$(received "$found") || unfit "this database does not answer"
# A peer may have received more: every acknowledged commit is on some replica, not on each.
for peer in "${!theirs[@]}"; do
    place=$(received "${theirs[$peer]}")
    [ "$1" != contested ] || has "$(field place "${theirs[$peer]}")" "$found" || unfit "$peer has what this node has not"
    if [ "$place" -gt "$own" ]; then
        say "catching up with $peer: it has $place, this node $own"
        here "$(following "$peer")"
        own=$place
    fi
done
for attempt in $(seq 100); do
    applied=$(field applied "$(here "SELECT SUBSTRING_INDEX(CONCAT('0', @@gtid_current_pos), '-', -1) + 0 AS applied\G")")
    [ "${applied:--1}" -ge "$own" ] && break
    sleep 0.05
done
[ "${applied:--1}" -ge "$own" ] || unfit "it has ${applied:-nothing} of $own"
say "applied $applied"
holds_address || { say "the address went on to another node"; exit 0; }
# A first start has never been a replica; then there is nothing to stop.
now=$(here "STOP SLAVE; RESET SLAVE ALL; $pardon SET GLOBAL rpl_semi_sync_slave_enabled = OFF;
    SET GLOBAL rpl_semi_sync_master_enabled = ON; SET GLOBAL read_only = OFF; SELECT @@gtid_current_pos AS place\G") || exit 1
if [ "$silent" ]; then
    for peer in "${!theirs[@]}"; do at "$peer" "START SLAVE IO_THREAD;" & done > /dev/null
fi
is_primary "primary from GTID $(field place "$now") on"
