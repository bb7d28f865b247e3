#!/bin/bash
# This node's database greets whoever connects (a client of its own each second would cost a small node too much). Every
# third time it is asked more, and what is broken in its replication is mended.
. {{ dir }}/database.sh
exec 3<> /dev/tcp/{{ node.address }}/{{ settings.replication_port }} || exit 1
if read -r -t 1 -N 1 <&3; then
    rm -f {{ dir }}/silent
elif [ -e {{ dir }}/silent ]; then
    exit 1
else
    # It may only be slow: it is given up when it is silent twice in a row.
    touch {{ dir }}/silent
    exit 0
fi
exec 3>&-
if (($(date +%s) % 3 == 0)) && state=$(state); then
    if holds_address; then
        [ "$(field read_only "$state")" = 0 ] || BY_CHECK=1 {{ dir }}/promote.sh &
    elif ! [[ "$(field Slave_IO_Running "$state")/$(field Slave_SQL_Running "$state")" =~ ^(Yes|Connecting|Preparing)/Yes$ ]]; then
        BY_CHECK=1 {{ dir }}/follow.sh &
    fi
fi > /dev/null 2>&1
exit 0
