#!/bin/bash
# This node's database greets whoever connects. It is asked more, and what is broken in its replication is mended, every
# third second where something seems to be wrong and every half minute elsewhere: a client each second would cost a small
# node a quarter of its time.
. {{ dir }}/database.sh
# A node that is not fit to be the primary leaves the address to another one.
if [ -e {{ dir }}/unfit ]; then
    read -r until < {{ dir }}/unfit
    ((EPOCHSECONDS >= ${until:-0})) && hears_peers && rm {{ dir }}/unfit
    exit 1
fi
exec 3<> /dev/tcp/{{ node.address }}/{{ settings.replication_port }} || exit 1
if read -r -t 1 -N 1 <&3; then
    [ ! -e {{ dir }}/silent ] || rm {{ dir }}/silent
elif [ -e {{ dir }}/silent ]; then
    exit 1
else
    # It may only be slow: it is given up when it is silent twice in a row.
    touch {{ dir }}/silent
    exit 0
fi
exec 3>&-
# A primary that nobody hears is replaced elsewhere, and must not be one when it is heard again.
if [ -e {{ dir }}/primary ] && [ -e "$fenced" ]; then
    # Whoever took the writes has the address too, unless it could not be told: then keepalived on both is left some time.
    say "fenced by another node"
    echo $((EPOCHSECONDS + 10)) > {{ dir }}/unfit
    exit 1
elif [ -e {{ dir }}/primary ] && seems_cut_off; then
    say "cut off from its replicas"
    touch {{ dir }}/unfit
    exit 1
fi
if seems_well; then every=30; else every=3; fi
if ((EPOCHSECONDS % every == 0)); then
    if holds_address; then
        BY_CHECK=1 {{ dir }}/promote.sh &
    else
        BY_CHECK=1 {{ dir }}/follow.sh &
    fi
fi > /dev/null 2>&1
exit 0
