#!/bin/bash
# This node's database answers. What is broken in its replication is mended by the way.
. {{ dir }}/database.sh
state=$(state) && [ -n "$state" ] || exit 1
if holds_address; then
    [ "$(field read_only "$state")" = 0 ] || BY_CHECK=1 {{ dir }}/promote.sh &
elif [ "$(field Slave_IO_Running "$state")/$(field Slave_SQL_Running "$state")" != Yes/Yes ]; then
    BY_CHECK=1 {{ dir }}/follow.sh &
fi > /dev/null 2>&1
exit 0
