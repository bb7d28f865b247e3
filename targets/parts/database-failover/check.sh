#!/bin/bash
# This node's database answers. What is broken in its replication is mended by the way.
. {{ dir }}/database.sh
state=$(state)
case $? in
0) rm -f {{ dir }}/silent ;;
# It may only be slow: it is given up when it is silent twice in a row.
124) [ ! -e {{ dir }}/silent ] && touch {{ dir }}/silent && exit 0 || exit 1 ;;
*) exit 1 ;;
esac
if holds_address; then
    [ "$(field read_only "$state")" = 0 ] || BY_CHECK=1 {{ dir }}/promote.sh &
elif [ "$(field Slave_IO_Running "$state")/$(field Slave_SQL_Running "$state")" != Yes/Yes ]; then
    BY_CHECK=1 {{ dir }}/follow.sh &
fi > /dev/null 2>&1
exit 0
