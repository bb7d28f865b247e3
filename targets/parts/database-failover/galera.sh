#!/bin/bash
# What keepalived does where the databases are a Galera cluster: every member has every acknowledged commit, so that the
# address may go to any that is in step with the majority. `galera.sh check|promote|follow`.
. {{ dir }}/database.sh
case $1 in
check)
    exec 3<> /dev/tcp/{{ node.address }}/{{ settings.replication_port }} || exit 1
    if ! read -r -t 1 -N 1 <&3; then
        # It may only be slow: it is given up when it is silent twice in a row.
        [ ! -e {{ dir }}/silent ] || exit 1
        touch {{ dir }}/silent
        exit 0
    fi
    [ ! -e {{ dir }}/silent ] || rm {{ dir }}/silent
    # As Galera told it; a donor goes on while it sends a copy, and who has joined only catches up.
    read -r status majority < {{ dir | replace("keepalived", "mariadbd") }}/state
    [[ ${status,,} =~ ^(synced|donor|joined)$ && ${majority,,} == yes ]]
    ;;
promote)
    [ "$2" != contested ] || exit 0
    cat "$lock" > {{ dir }}/primary
    say "takes the writes"
    ;;
follow)
    [ -e {{ dir }}/primary ] || exit 0
    rm {{ dir }}/primary
    say "no longer takes the writes"
    # Who came by the address would wait for answers that cannot reach him.
    connect && here 'KILL USER orders;'
    ;;
esac
